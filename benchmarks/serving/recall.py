"""How many of the true nearest a server's answers have."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import exact

Floats = NDArray[np.float32]
K = 10
Reader: TypeAlias = Callable[[http.client.HTTPConnection, Floats], Sequence[str]]
"""Asks for the K nearest to a vector, and gives their ids: rows of what was added, as texts."""


def recall(
    connection: http.client.HTTPConnection, read: Reader, found: Floats, asked: NDArray[np.int64]
) -> float:
    """Share of the true nearest, ties counted as right (Aumüller, Bernhardsson, Faithfull 2018).

    Args:
        connection: to the server.
        read: how it is asked.
        found: float32[n, dimension], all that it holds.
        asked: int64[m], which of them are asked for.
    """
    right = 0
    for row in asked:
        away = exact(found[row], found, "cosine")
        farthest = np.partition(away, K - 1)[K - 1] + 1e-6
        ids = [int(each) for each in read(connection, found[row])]
        right += int(np.count_nonzero(away[ids] <= farthest))
    return right / (K * len(asked))
