"""Candidates in, exact answers out: what every engine does after its own search.

Also the plan for filters: an engine that can look at allowed rows only, or at few rows at all,
hands over to an exact scan where that is cheaper or where its own answer falls short.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, check_vectors, exact
from mitame.engines.protocol import Allow, Rows
from mitame.errors import UsageError
from mitame.neighbors import PADDING, Neighbors

Ids: TypeAlias = NDArray[np.int64]

SCAN_BELOW = 0.02
"""Share of allowed rows below which looking at each of them is cheaper than any index."""
SCAN_ROWS = 2_000
"""As many allowed rows are always looked at one by one."""
_FLOATS_AT_ONCE = 1 << 22
"""Of candidates, whose rows are copied to be compared."""


def check_search(
    queries: Rows, k: int, effort: float | None, allow: Allow | None, *, rows: int, dimension: int
) -> Rows:
    """The queries, contiguous float32[q, dimension], when all arguments can be used.

    Raises:
        InvalidVector, UsageError: as `Searchable.search` says.
    """
    queries = check_vectors(queries, dimension)
    if k < 1:
        raise UsageError(f"k is {k}", remedy="ask for at least one neighbour")
    if effort is not None and not 0 <= effort <= 1:
        raise UsageError(f"effort is {effort}", remedy="use 0 (quickest) to 1 (all)")
    if allow is not None and (allow.shape != (rows,) or allow.dtype != np.bool_):
        raise UsageError(f"allow is {allow.dtype}{list(allow.shape)}", remedy=f"give bool[{rows}]")
    return queries


def should_scan(allow: Allow | None, k: int) -> bool:
    """Whether so few rows are allowed that they are looked at one by one."""
    if allow is None:
        return False
    allowed = int(np.count_nonzero(allow))
    return allowed <= max(2 * k, SCAN_ROWS, int(SCAN_BELOW * len(allow)))


def rank(vectors: Rows, query: Rows, candidates: Ids, k: int, distance: Distance) -> Neighbors:
    """The k nearest among some rows by their exact distances; rows are copied in bounded blocks.

    Args:
        vectors: float32[rows, dimension].
        query: float32[dimension].
        candidates: int64[c], distinct rows in any order.
        k: at least 1.
        distance: which.

    Returns:
        Neighbors of one query, ids int64[1, k].
    """
    ids = np.full((1, k), PADDING, np.int64)
    distances = np.full((1, k), np.inf, np.float32)
    order = np.sort(candidates)  # ascending, so that rows are read in the order of the file
    step = max(1, _FLOATS_AT_ONCE // max(1, vectors.shape[1]))
    blocks = [order[start : start + step] for start in range(0, len(order), step)] or [order]
    away = np.concatenate([exact(query, vectors[block], distance) for block in blocks])
    best = np.lexsort((order, away))[:k]
    ids[0, : len(best)] = order[best]
    distances[0, : len(best)] = away[best]
    return Neighbors(ids, distances)


def stacked(answers: list[Neighbors], k: int) -> Neighbors:
    """The answers of single queries as one; ids int64[0, k] where there are none."""
    if not answers:
        return Neighbors(np.empty((0, k), np.int64), np.empty((0, k), np.float32))
    return Neighbors(
        np.concatenate([answer.ids for answer in answers]),
        np.concatenate([answer.distances for answer in answers]),
    )
