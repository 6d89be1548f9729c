"""The answer of an engine that has nothing better, or too little: every allowed row is ranked."""

from __future__ import annotations

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import rank, stacked
from mitame.neighbors import Neighbors


def scan(
    vectors: Rows, queries: Rows, k: int, distance: Distance, allow: Allow | None = None
) -> Neighbors:
    """The exact answer.

    Args:
        vectors: float32[rows, dimension].
        queries: float32[q, dimension].
        k: at least 1.
        distance: which.
        allow: bool[rows], which rows may be answered; all if None.
    """
    ids = np.arange(len(vectors)) if allow is None else np.flatnonzero(allow)
    return stacked([rank(vectors, query, ids, k, distance) for query in queries], k)
