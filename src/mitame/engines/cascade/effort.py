"""How hard to look, from 0 to 1, as numbers of lists, codes and rows for each stage.

Found by sweeping all of them on pixels, on vectors of images and on those of words
(``benchmarks/engines``): what is nearly best at each recall lies on these lines. Each grows
geometrically, so that equal steps of effort cost about the same factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal, TypeAlias

DEFAULT = 0.5

Kind: TypeAlias = Literal["close", "spread", "tailed", "bare"]
"""Of rows: close about few lists' centres; spread over many lists; with much energy in
coordinates that short codes leave out; or spread and without nodes. See
`mitame.engines.cascade.kinds`."""

_HANDED_ON: dict[Kind, tuple[float, float]] = {
    "spread": (4, 1.2),
    "tailed": (12, 3),
}
"""Candidates, and exact rows, for each square root of the number of opened lists."""
_BARE = (1, 4)
"""Exact rows for each, at the least and at the most effort, where rows have no nodes."""

_WHOLE = 45
"""Whole rows beside the ten neighbours themselves that are enough at any effort where residuals
order the beam; of few rows most are looked at, of many an ever smaller share."""


@dataclass(frozen=True)
class Plan:
    """How many each stage hands on; see ``native/cascade.h``."""

    roots: int
    lists: int
    shorts: int
    beam: int
    refined: int
    exact: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """In the order of the stages."""
        return self.roots, self.lists, self.shorts, self.beam, self.refined, self.exact


@lru_cache(maxsize=4_096)
def plan_for(
    effort: float,
    k: int,
    *,
    roots: int,
    lists: int,
    edges: bool,
    kind: Kind = "close",
    residuals: bool = False,
) -> Plan:
    """The plan for k neighbours.

    Args:
        effort: from 0 to less than 1; at 1 all rows are looked at, without a plan.
        k: at least 1.
        roots, lists: how many there are.
        edges: whether rows have edges.
        kind: of the rows; without edges.
        residuals: whether rows have them.
    """
    wide = max(1.0, k / 10)
    if edges:
        plan = _along_edges(effort, k, wide, roots, lists)
    else:
        wide **= 0.6
        among = _among_close if kind == "close" else partial(_among_others, kind=kind)
        plan = among(effort, k, wide, roots, lists)
    return _with_residuals(plan, k, wide) if residuals else plan


def _among_others(
    effort: float, k: int, wide: float, roots: int, lists: int, *, kind: Kind
) -> Plan:
    probed = min(float(lists), _between(8, max(16, lists * 0.5), effort))
    if kind == "bare":
        per_list = exactly = _between(*_BARE, effort)  # whoever is handed on is looked at exactly
    else:
        per_list, exactly = _HANDED_ON[kind]
    exact = k + round(exactly * wide * probed**0.5)
    return Plan(
        roots=max(4, round(roots * _between(0.35, 1, effort))),
        lists=round(probed),
        shorts=k + round(per_list * wide * probed**0.5),
        beam=exact,
        refined=0,
        exact=exact,
    )


def _among_close(effort: float, k: int, wide: float, roots: int, lists: int) -> Plan:
    probed = min(float(lists), _between(4, max(16, lists * 0.25), effort))
    exact = k + round(0.9 * probed * wide)
    return Plan(
        roots=max(4, round(roots * _between(0.2, 0.9, effort))),
        lists=round(probed),
        shorts=k + round(wide * (6 + 2.5 * probed)),
        beam=exact,
        refined=0,
        exact=exact,
    )


def _along_edges(effort: float, k: int, wide: float, roots: int, lists: int) -> Plan:
    beam = _between(12 * wide, 400 * wide, effort)
    return Plan(
        roots=max(4, round(roots * _between(0.12, 0.25, effort))),
        lists=min(lists, round(_between(2, 6, effort))),
        shorts=max(16, min(round(beam), 32)),
        beam=round(beam) + k // 4,
        refined=0,
        exact=k + round(wide * _looked_at(beam / wide)),
    )


def _looked_at(beam: float) -> float:
    """Rows beside the neighbours themselves: most of a small beam, and ever fewer of a large one,
    which is only as large for the walk to pass through."""
    return 0.75 * beam / (1 + beam / 160)


def _with_residuals(plan: Plan, k: int, wide: float) -> Plan:
    """A few more are compared by residuals than would be looked at whole; and then fewer are."""
    looked = (plan.exact - k) / wide
    return replace(
        plan,
        refined=min(plan.beam, k + round(1.2 * wide * looked)),
        exact=k + round(wide * looked / (1 + looked / _WHOLE)),
    )


def _between(low: float, high: float, effort: float) -> float:
    return float(low * (high / low) ** effort)
