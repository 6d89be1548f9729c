"""From a sample of the rows to all of them, by how things grew between two sizes. Pure."""

from __future__ import annotations

import math
from dataclasses import replace

from mitame.choosing.measurement import Point, Trial

BUILD = (1.0, 1.6)
"""Least and most exponent of a build's time in the number of rows."""
MEMORY = (0.9, 1.2)
QUERY = (0.1, 1.0)
"""No index answers without looking at more of more rows, none is slower than looking at all."""


def carried(
    small: float, large: float, sizes: tuple[int, int, int], bounds: tuple[float, float]
) -> float:
    """A value at a third size, as a power of the size through two measured values.

    Args:
        small, large: the values at the first and the second size.
        sizes: number of rows: the first and the second, and the one asked for; ascending.
        bounds: the exponent is kept within these.
    """
    first, second, wanted = sizes
    if small <= 0 or large <= 0:
        exponent = bounds[0]
    else:
        exponent = math.log(large / small) / math.log(second / first)
    return large * math.pow(wanted / second, min(max(exponent, bounds[0]), bounds[1]))


def carried_recall(small: float, large: float, sizes: tuple[int, int, int]) -> float:
    """A recall at a third size: what each doubling has cost, it goes on to cost; never more."""
    first, second, wanted = sizes
    lost = min(0.0, large - small) / math.log(second / first)
    return max(0.0, large + lost * math.log(wanted / second))


def carried_trial(small: Trial, large: Trial, rows: int) -> Trial:
    """What an index over so many rows is likely to be like.

    Args:
        small, large: the same settings over fewer rows; `large` over more than `small`.
        rows: of the whole.
    """
    sizes = (small.rows, large.rows, rows)
    before = {point.effort: point for point in small.points}
    pairs = [(before[p.effort], p) for p in large.points if p.effort in before]
    return replace(
        large,
        build_seconds=carried(small.build_seconds, large.build_seconds, sizes, BUILD),
        memory=int(carried(small.memory, large.memory, sizes, MEMORY)),
        points=tuple(_carried_point(one, other, sizes) for one, other in pairs),
        extrapolated=True,
    )


def _carried_point(small: Point, large: Point, sizes: tuple[int, int, int]) -> Point:
    def time(a: float, b: float) -> float:
        return carried(a, b, sizes, QUERY)

    return replace(
        large,
        recall=carried_recall(small.recall, large.recall, sizes),
        cpu_seconds=time(small.cpu_seconds, large.cpu_seconds),
        wall_seconds=time(small.wall_seconds, large.wall_seconds),
        p50=time(small.p50, large.p50),
        p99=time(small.p99, large.p99),
    )
