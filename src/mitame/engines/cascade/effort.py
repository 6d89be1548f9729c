"""How hard to look, from 0 to 1, as numbers of lists, codes and rows for each stage.

Found by sweeping all of them on vectors of images and, for rows that are spread about their lists'
centres, of words (``benchmarks/engines``): what is nearly best at each recall lies on these lines.
Each grows geometrically, so that equal steps of effort cost about the same factor.
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
def plan_for(
    effort: float, k: int, *, roots: int, lists: int, edges: bool, spread: bool = False
) -> Plan:
    """The plan for k neighbours.

    Args:
        effort: from 0 to less than 1; at 1 all rows are looked at, without a plan.
        k: at least 1.
        roots, lists: how many there are.
        edges: whether rows have edges.
        spread: see `mitame.engines.cascade.spread.is_spread`.
    """
    wide = max(1.0, k / 10)
    if edges:
        return _along_edges(effort, k, wide, roots, lists)
    if spread:
        return _among_spread(effort, k, wide, roots, lists)
    probed = min(float(lists), _between(4, max(16, lists * 0.25), effort))
    exact = k + round(0.9 * probed * wide)
    return Plan(
        roots=max(4, round(roots * _between(0.2, 0.9, effort))),
        lists=round(probed),
        shorts=k + round(wide * (6 + 2.5 * probed)),
        beam=exact,
        exact=exact,
    )


def _among_spread(effort: float, k: int, wide: float, roots: int, lists: int) -> Plan:
    """Many lists, of which each adds few candidates."""
    probed = min(float(lists), _between(8, max(16, lists * 0.5), effort))
    exact = k + round(1.2 * wide * probed**0.5)
    return Plan(
        roots=max(4, round(roots * _between(0.35, 1, effort))),
        lists=round(probed),
        shorts=k + round(4 * wide * probed**0.5),
        beam=exact,
        exact=exact,
    )


def _along_edges(effort: float, k: int, wide: float, roots: int, lists: int) -> Plan:
    beam = _between(14 * wide, 400 * wide, effort)
    return Plan(
        roots=max(4, round(roots * _between(0.12, 0.25, effort))),
        lists=min(lists, round(_between(2, 6, effort))),
        shorts=max(16, min(round(beam), 32)),
        beam=round(beam) + k // 4,
        exact=k + round(wide * _looked_at(beam / wide)),
    )


def _looked_at(beam: float) -> float:
    """Rows beside the neighbours themselves: most of a small beam, and ever fewer of a large one,
    which is only as large for the walk to pass through."""
    return 0.75 * beam / (1 + beam / 160)


def _between(low: float, high: float, effort: float) -> float:
    return float(low * (high / low) ** effort)
