"""Rows by the cells that they lie in: an inverted multi-index for each part.

Each part has two pieces, each piece a few centroids; a cell is a pair of them (Babenko and
Lempitsky, The Inverted Multi-Index, CVPR 2012). A part's cells hold all rows, each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.engines.protocol import Rows

Codes: TypeAlias = NDArray[np.int32]

SAMPLE = 20_000
"""Rows from which centroids are learned."""


@dataclass(frozen=True)
class Cells:
    """All cells of all parts, one after another.

    Attributes:
        offsets: int64[parts * centroids^2 + 1], where each cell's rows begin among `ids`.
        ids: int32[parts * rows].
    """

    offsets: NDArray[np.int64]
    ids: NDArray[np.int32]


def learn(pieces: Rows, centroids: int, iterations: int, rng: np.random.Generator) -> Rows:
    """Centroids float32[pieces, c, width] of a sample, by Lloyd's k-means.

    Args:
        pieces: float32[pieces, n, width].
        centroids: how many for each piece; fewer where there are fewer rows, but at least one.
        iterations: at least one; collision counting hardly gains by more than two.
        rng: chooses the first centroids.
    """
    count = pieces.shape[1]
    if not count:
        return np.zeros((len(pieces), 1, pieces.shape[2]), np.float32)
    chosen = rng.permutation(count)[: min(centroids, count)]
    learned = pieces[:, np.sort(chosen)].copy()
    for piece, points in enumerate(pieces):
        for _ in range(iterations):
            learned[piece] = _moved(points, learned[piece])
    return learned


def _moved(points: Rows, centroids: Rows) -> Rows:
    """Each centroid in the middle of the points that are nearest to it; where none is, it stays."""
    nearest = assign(points, centroids)
    order = np.argsort(nearest, kind="stable")
    counts = np.bincount(nearest, minlength=len(centroids))
    filled = np.flatnonzero(counts)
    starts = np.cumsum(counts)[filled] - counts[filled]
    moved = centroids.copy()
    sums = np.add.reduceat(points[order], starts, axis=0, dtype=np.float64)
    moved[filled] = sums / counts[filled, np.newaxis]
    return moved


def assign(points: Rows, centroids: Rows) -> Codes:
    """Number of the nearest centroid, int32[n], of points float32[n, width]."""
    keys = points @ centroids.T
    keys *= -2
    keys += np.einsum("cw,cw->c", centroids, centroids)
    return np.asarray(keys.argmin(axis=1), np.int32)


def sorted_cells(codes: Codes, centroids: int) -> Cells:
    """Cells from the numbers of each row's centroids, int32[2 * parts, rows]."""
    cells = codes[0::2] * centroids + codes[1::2]
    ids = [np.argsort(part, kind="stable").astype(np.int32) for part in cells]
    sizes = [np.bincount(part, minlength=centroids * centroids) for part in cells]
    offsets = np.zeros(len(cells) * centroids * centroids + 1, np.int64)
    np.cumsum(np.concatenate(sizes), out=offsets[1:])
    return Cells(offsets, np.concatenate(ids))
