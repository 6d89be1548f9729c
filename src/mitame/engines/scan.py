"""The answer of an engine that has nothing better: every allowed row is ranked."""

from __future__ import annotations

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import rank, stacked
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
