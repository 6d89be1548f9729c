"""The answer of an engine that has nothing better, or too little: every allowed row is ranked."""

from __future__ import annotations

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import Ids, rank, stacked
from mitame.neighbors import Neighbors, merge

_FLOATS_AT_ONCE = 1 << 22


def scan(
    vectors: Rows, queries: Rows, k: int, distance: Distance, allow: Allow | None = None
) -> Neighbors:
    """The exact answer; rows are copied in blocks of a bounded size.

    Args:
        vectors: float32[rows, dimension].
        queries: float32[q, dimension].
        k: at least 1.
        distance: which.
        allow: bool[rows], which rows may be answered; all if None.
    """
    ids = np.arange(len(vectors)) if allow is None else np.flatnonzero(allow)
    step = max(1, _FLOATS_AT_ONCE // max(1, vectors.shape[1]))
    blocks = [ids[start : start + step] for start in range(0, len(ids), step)] or [ids]
    answers = [
        merge([rank(vectors, query, block, k, distance) for block in blocks], k)
        for query in queries
    ]
    return stacked(answers, k)


def rank_or_scan(
    vectors: Rows,
    query: Rows,
    candidates: Ids,
    k: int,
    distance: Distance,
    *,
    allow: Allow | None,
    wanted: int,
) -> Neighbors:
    """The k nearest of the candidates; of all allowed rows where the candidates are too few.

    Args:
        vectors, k, distance: as in `scan`.
        query: float32[dimension].
        candidates: int64[c], distinct allowed rows in any order.
        allow: bool[rows], which rows may be answered; all if None.
        wanted: rows that an answer must have, the lesser of k and how many are allowed.
    """
    if len(candidates) < wanted:
        return scan(vectors, query[np.newaxis], k, distance, allow)
    return rank(vectors, query, candidates, k, distance)
