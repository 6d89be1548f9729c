"""How hard to look, from 0 to 1, as numbers of lists, codes and rows for each stage.

Found by sweeping all of them on image vectors; each line grows geometrically, so that equal steps
of effort cost about the same factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

DEFAULT = 0.5


@dataclass(frozen=True)
class Plan:
    """How many each stage hands on; see ``native/cascade.h``."""

    roots: int
    lists: int
    shorts: int
    beam: int
    exact: int


@lru_cache(maxsize=4_096)
def plan_for(effort: float, k: int, *, roots: int, lists: int, edges: bool) -> Plan:
    """The plan for k neighbours.

    Args:
        effort: from 0 to less than 1; at 1 all rows are looked at, without a plan.
        k: at least 1.
        roots, lists: how many there are.
        edges: whether rows have edges.
    """
    wide = max(1.0, k / 10)
    if edges:
        beam = _between(12 * wide, 480 * wide, effort)
        return Plan(
            roots=max(4, round(roots * _between(0.12, 0.3, effort))),
            lists=min(lists, round(_between(3, 12, effort))),
            shorts=max(16, min(round(beam), 64)),
            beam=round(beam) + k // 4,
            exact=k + round(_between(3 * wide, 60 * wide, effort)),
        )
    probed = min(float(lists), _between(3, max(8, lists * 0.25), effort))
    exact = k + round(wide * (4 + 1.1 * probed**0.8))
    return Plan(
        roots=max(4, round(roots * _between(0.15, 0.8, effort))),
        lists=round(probed),
        shorts=2 * k + round(3 * wide * probed),
        beam=round(1.5 * exact),
        exact=exact,
    )


def _between(low: float, high: float, effort: float) -> float:
    return float(low * (high / low) ** effort)
