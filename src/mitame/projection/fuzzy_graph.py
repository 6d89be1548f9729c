"""The fuzzy graph of a neighbour table: how surely two points belong together.

McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension
Reduction" (2018), section 3.1: each point has a scale of its own, so that dense and sparse parts
of the data count alike; an edge that both ends see is surer than one that only one sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_STEPS = 24
"""Halvings in the search for a point's scale: more than float32 can tell apart."""
_LEAST_SCALE = 1e-3
"""Of the mean distance: below, a point with many copies would know nobody else."""
_TINY = np.float32(1e-30)


@dataclass(frozen=True)
class FuzzyGraph:
    """Weighted edges, each seen from both ends, sorted by the end that sees it.

    Attributes:
        points: how many there are.
        heads: int64[m], the points that have edges, ascending.
        starts: int64[m], where the edges of each begin.
        tails: int32[edges], the other ends.
        weights: float32[edges], above 0, at most 1.
    """

    points: int
    heads: Numbers
    starts: Numbers
    tails: NDArray[np.int32]
    weights: Floats

    @classmethod
    def of(cls, neighbors: NDArray[np.integer], distances: Floats) -> FuzzyGraph:
        """The graph of the lists of a table.

        Args:
            neighbors: int[n, k], places of points; negative where a list has no more.
            distances: float32[n, k], ascending; not looked at where there is no neighbour.
        """
        count = len(neighbors)
        there = neighbors >= 0
        memberships = _memberships(np.where(there, distances, np.inf).astype(np.float32))
        there &= memberships > 0
        ones, _ = np.nonzero(there)
        others = neighbors[there].astype(np.int64)
        return _united(count, ones, others, memberships[there])

    def seen_by(self, which: NDArray[np.bool_]) -> FuzzyGraph:
        """Only the edges that points of bool[points] see."""
        counts = np.diff(np.append(self.starts, len(self.tails)))
        kept = which[self.heads]
        edges = np.repeat(kept, counts)
        starts = np.cumsum(counts[kept]) - counts[kept]
        return FuzzyGraph(
            self.points, self.heads[kept], starts, self.tails[edges], self.weights[edges]
        )


def _memberships(distances: Floats) -> Floats:
    """float32[n, k], 0 to 1: each point's nearest are sure, and its list counts log2(k)."""
    positive = np.where(distances > 0, distances, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    nearest = distances[:, :1]
    nearest = np.where((nearest == 0) & np.isfinite(positive), positive, nearest)
    nearest = np.where(np.isfinite(nearest), nearest, 0)
    away = np.maximum(distances - nearest, 0)
    finite = np.where(np.isfinite(away), away, 0)
    least = np.maximum(finite.mean(axis=1, keepdims=True) * _LEAST_SCALE, _TINY)
    scale = _scales(away, finite.max(axis=1, keepdims=True, initial=0))
    found: Floats = np.exp(-away / np.maximum(scale, least)).astype(np.float32)
    return found


def _scales(away: Floats, farthest: Floats) -> Floats:
    """float32[n, 1]: with which the memberships of a list sum up to log2(k)."""
    wanted = np.log2(max(2, away.shape[1]))
    low, high = np.zeros_like(farthest), np.maximum(farthest * 8, _TINY)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        is_more = np.exp(-away / np.maximum(middle, _TINY)).sum(axis=1, keepdims=True) > wanted
        high, low = np.where(is_more, middle, high), np.where(is_more, low, middle)
    found: Floats = ((low + high) / 2).astype(np.float32)
    return found


def _united(count: int, ones: Numbers, others: Numbers, weights: Floats) -> FuzzyGraph:
    """Both ways of looking at an edge as one: a + b - ab, the probability that either holds."""
    codes = np.concatenate([ones * count + others, others * count + ones])
    order = np.argsort(codes, kind="stable")
    codes, both = codes[order], np.concatenate([weights, weights])[order]
    is_first = np.append(np.ones(min(1, len(codes)), np.bool_), codes[1:] != codes[:-1])
    first = np.flatnonzero(is_first)
    second = np.minimum(first + 1, max(0, len(codes) - 1))
    again = np.where(is_first[second] | (second == first), 0, both[second]).astype(np.float32)
    united = (both[first] + again - both[first] * again).astype(np.float32)
    heads, starts = np.unique(codes[first] // max(1, count), return_index=True)
    tails = (codes[first] % max(1, count)).astype(np.int32)
    return FuzzyGraph(count, heads, starts.astype(np.int64), tails, united)
