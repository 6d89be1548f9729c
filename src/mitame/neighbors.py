"""The answer of every index: ids with distances, nearest first, as two arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PADDING = -1


@dataclass(frozen=True)
class Neighbors:
    """Nearest rows of an index for each query.

    Attributes:
        ids: int64[q, k], padded with -1 where there are fewer than k.
        distances: float32[q, k], ascending, ties by id, padded with +inf.
    """

    ids: NDArray[np.int64]
    distances: NDArray[np.float32]


def merge(parts: Sequence[Neighbors], k: int) -> Neighbors:
    """The k nearest over several answers to the same queries; an id in two parts counts once.

    Args:
        parts: at least one; all with the same number of queries, any k each.
        k: at least 1.
    """
    ids = np.concatenate([part.ids for part in parts], axis=1)
    distances = np.concatenate([part.distances for part in parts], axis=1)
    return ranked(ids, distances, k)


def ranked(ids: NDArray[np.int64], distances: NDArray[np.float32], k: int) -> Neighbors:
    """Candidates in any order, int64[q, c] and float32[q, c], as Neighbors of width k."""
    queries = len(ids)
    out_ids = np.full((queries, k), PADDING, np.int64)
    out_distances = np.full((queries, k), np.inf, np.float32)
    for q in range(queries):
        order = np.lexsort((ids[q], distances[q]))
        row = ids[q][order]
        row_distances = distances[q][order]
        real = row != PADDING
        row, row_distances = row[real], row_distances[real]
        _, first = np.unique(row, return_index=True)
        keep = np.sort(first)[:k]
        out_ids[q, : len(keep)] = row[keep]
        out_distances[q, : len(keep)] = row_distances[keep]
    return Neighbors(out_ids, out_distances)
