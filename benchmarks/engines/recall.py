"""What a measurement says: recall with ties, the Pareto front, the rate at a given recall.

Ties. An answered row counts when it is no further away than the true k-th neighbour is, times
1 + `TIE`; so a row at the same distance as the k-th is as good as it. ann-benchmarks adds 1e-3 to
the distance itself; here it is a share of it, so that the scale of the data doesn't matter. The
same with `STRICT` stands beside it: it forgives nothing but rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIE = 1e-3
STRICT = 1e-6
TARGETS = (0.90, 0.95, 0.99, 0.995, 0.999)
_NO_MISS = 5e-5
"""Share of misses below which two recalls are the same: a tenth of a miss in 2,000 x 10 answers."""


@dataclass(frozen=True)
class Point:
    """A build at one effort.

    Attributes:
        recall: 0 to 1.
        rate: queries per second.
    """

    recall: float
    rate: float


def distances(
    rows: NDArray[np.float32], queries: NDArray[np.float32], ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far each answered row really is; Euclidean, whatever the library said.

    Args:
        rows: float32[n, d]; of length 1 each under cosine, where Euclidean gives the same order.
        queries: float32[q, d].
        ids: int64[q, k]; what is no row, or stands in the same line already, is at +inf.

    Returns:
        float64[q, k].
    """
    out = np.full(ids.shape, np.inf)
    for q, line in enumerate(ids):
        known = (line >= 0) & (line < len(rows))
        known &= np.isin(np.arange(len(line)), np.unique(line, return_index=True)[1])
        apart = rows[line[known]].astype(np.float64) - queries[q]
        out[q, known] = np.sqrt(np.einsum("nd,nd->n", apart, apart))
    return out


def recall(
    truth: NDArray[np.float64], found: NDArray[np.float64], k: int, tie: float = TIE
) -> float:
    """Mean share of the k answers that are as near as the true k-th neighbour.

    Args:
        truth: float64[q, at least k], ascending; distances of the true neighbours.
        found: float64[q, any]; distances of the answered rows, +inf for none.
        k: at least 1.
        tie: by what share an answer may be further away than the true k-th.
    """
    limits = truth[:, k - 1 : k] * (1 + tie)
    return float(np.mean(np.count_nonzero(found[:, :k] <= limits, axis=1)) / k)


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in recall and rate at once, by ascending recall."""
    best: list[Point] = []
    for point in sorted(points, key=lambda each: (-each.recall, -each.rate)):
        if not best or point.rate > best[-1].rate:
            best.append(point)
    return best[::-1]


def rate_at(points: Sequence[Point], target: float) -> float | None:
    """Queries per second at a recall, on the Pareto front; None where it is never reached.

    Between two points the logarithm of the rate is taken as linear in the nines of the recall
    (-log10 of the share missed). Nothing is extrapolated: below the first point the rate is that
    point's.
    """
    best = front(points)
    above = [point for point in best if point.recall >= target]
    if not above:
        return None
    below = [point for point in best if point.recall < target]
    if not below:
        return above[0].rate
    left, right = below[-1], above[0]
    width = _nines(right.recall) - _nines(left.recall)
    if width <= 0:
        return right.rate
    part = (_nines(target) - _nines(left.recall)) / width
    return math.exp((1 - part) * math.log(left.rate) + part * math.log(right.rate))


def _nines(value: float) -> float:
    return -math.log10(max(1 - value, _NO_MISS))
