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
    order = np.lexsort((ids, distances), axis=1)
    ids = np.take_along_axis(ids, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    return without(Neighbors(ids, distances), (ids == PADDING) | _repeated(ids), k)


def without(found: Neighbors, dropped: NDArray[np.bool_], k: int) -> Neighbors:
    """Answers less some of their rows, the others moved up, cut or padded to k.

    Args:
        found: ids int64[q, c].
        dropped: bool[q, c], which to leave out.
        k: at least 1.
    """
    kept_first = np.argsort(dropped, axis=1, kind="stable")[:, :k]
    filled = ~np.take_along_axis(dropped, kept_first, axis=1)
    ids = np.full((len(dropped), k), PADDING, np.int64)
    distances = np.full((len(dropped), k), np.inf, np.float32)
    width = kept_first.shape[1]
    ids[:, :width][filled] = np.take_along_axis(found.ids, kept_first, axis=1)[filled]
    near = np.take_along_axis(found.distances, kept_first, axis=1)
    distances[:, :width][filled] = near[filled]
    return Neighbors(ids, distances)


def _repeated(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool[q, c]: the id stands further left in the same row already."""
    by_id = np.argsort(ids, axis=1, kind="stable")
    together = np.take_along_axis(ids, by_id, axis=1)
    again = np.zeros(ids.shape, np.bool_)
    again[:, 1:] = together[:, 1:] == together[:, :-1]
    repeated = np.zeros(ids.shape, np.bool_)
    np.put_along_axis(repeated, by_id, again, axis=1)
    return repeated
