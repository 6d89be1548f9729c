"""How far a map can be trusted: whether what lies close is close.

Venna and Kaski, "Neighborhood preservation in nonlinear projection methods" (2001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_SEED = 0
_BLOCK = 128


def drawn(count: int, most: int) -> Numbers:
    """int64[at most `most`], ascending: which of `count` points to ask; the same each time."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(_SEED).choice(count, most, replace=False))


def kept(places: Floats, asked: Numbers, neighbors: NDArray[np.integer]) -> float:
    """Share of points' neighbours that are among as many nearest ones on the map.

    Args:
        places: float32[n, 2].
        asked: int64[m], points.
        neighbors: int[m, k], their nearest; negative where there are no more.

    Returns:
        0 to 1; 1 where nothing was asked.
    """
    k = min(neighbors.shape[1], len(places) - 1)
    found = total = 0
    for start in range(0, len(asked) if k else 0, _BLOCK):
        true = neighbors[start : start + _BLOCK]
        near = _nearest(places, asked[start : start + _BLOCK], k)
        found += int(((near[:, :, np.newaxis] == true[:, np.newaxis]) & (true >= 0)[:, None]).sum())
        total += int((true >= 0).sum())
    return found / total if total else 1.0


def trustworthiness(vectors: Floats, places: Floats, k: int = 12, *, most: int = 1_000) -> float:
    """1 where nothing lies close on the map that is not close; about 0.5 for places at random.

    Args:
        vectors: float32[n, dimension], compared by Euclidean distance.
        places: float32[n, 2].
        k: so many nearest on the map are looked at; less than n / 2.
        most: points that are asked.
    """
    count, asked = len(vectors), drawn(len(vectors), most)
    lengths = np.einsum("nd,nd->n", vectors, vectors)
    penalty = 0
    for start in range(0, len(asked), _BLOCK):
        here = asked[start : start + _BLOCK]
        away = lengths - 2 * (vectors[here] @ vectors.T)
        away[np.arange(len(here)), here] = -np.inf
        ranks = np.empty(away.shape, np.int64)
        order = np.argsort(away, axis=1)
        np.put_along_axis(ranks, order, np.arange(count)[np.newaxis], axis=1)
        near = np.take_along_axis(ranks, _nearest(places, here, k), axis=1)
        penalty += int(np.maximum(near - k, 0).sum())
    return 1 - 2 * penalty / (len(asked) * k * (2 * count - 3 * k - 1))


def _nearest(places: Floats, asked: Numbers, k: int) -> Numbers:
    """int64[m, k]: the nearest on the map of some points, themselves left out; in no order."""
    away = np.zeros((len(asked), len(places)), np.float32)
    for axis in (0, 1):
        away += (places[asked, axis, np.newaxis] - places[:, axis]) ** 2
    away[np.arange(len(asked)), asked] = np.inf
    return np.argpartition(away, k - 1, axis=1)[:, :k]
