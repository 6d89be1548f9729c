"""Answers that do not all say the same: near-copies once, and neighbours unlike each other.

Pure: candidates as arrays in, places out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, pairwise

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


def scores(distances: Floats, metric: Distance) -> NDArray[np.float64]:
    """As `mitame.distances.score`, for an array."""
    wide = distances.astype(np.float64)
    if metric == "cosine":
        return 1.0 - wide
    if metric == "euclidean":
        return 1.0 / (1.0 + wide)
    return -wide


def collapsed(vectors: Floats, metric: Distance, at: float) -> Numbers:
    """Of candidates that are alike only the first.

    Args:
        vectors: float32[n, dimension], in the order of the answer.
        metric: how they are compared.
        at: score from which two are near-copies.

    Returns:
        int64[m], places of those that stay, ascending: no two of them are near-copies.
    """
    left = np.ones(len(vectors), np.bool_)
    for place in range(len(vectors)):
        if left[place]:
            rest = np.flatnonzero(left[place + 1 :]) + place + 1
            alike = _to_others(vectors, place, rest, metric) >= at
            left[rest[alike]] = False
    return np.flatnonzero(left)


def varied(
    relevance: NDArray[np.float64], vectors: Floats, metric: Distance, diversity: float, limit: int
) -> Numbers:
    """Candidates chosen one after the other: alike the query, and unlike those chosen before.

    Maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based reranking
    for reordering documents and producing summaries", SIGIR 1998): each time the one for which
    ``(1 - diversity) * relevance - diversity * (highest score to a chosen one)`` is greatest.

    Args:
        relevance: float64[n], scores to the query.
        vectors: float32[n, dimension].
        metric: how candidates are compared with each other.
        diversity: 0 (by relevance alone) to 1.
        limit: how many, at least 1.

    Returns:
        int64[min(limit, n)], places in the order of choice; of equals the first.
    """
    chosen: list[int] = []
    nearest = np.full(len(vectors), -np.inf)
    everyone = np.arange(len(vectors))
    worth = relevance.astype(np.float64).copy()
    while len(chosen) < min(limit, len(vectors)):
        place = int(np.argmax(worth))
        chosen.append(place)
        np.maximum(nearest, _to_others(vectors, place, everyone, metric), out=nearest)
        worth = (1.0 - diversity) * relevance - diversity * nearest
        worth[chosen] = -np.inf
    return np.array(chosen, np.int64)


def _to_others(
    vectors: Floats, place: int, others: Numbers, metric: Distance
) -> NDArray[np.float64]:
    rows = vectors if len(others) == len(vectors) else vectors[others]
    return scores(pairwise(vectors[place : place + 1], rows, metric)[0], metric)
