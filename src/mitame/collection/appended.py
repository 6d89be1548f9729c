"""New vectors of one lens, between the database and the log of a write."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Appended:
    """They take the rows from `first` on, in order.

    Args:
        first: row of the log.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self._vectors: list[NDArray[np.float32]] = []

    @property
    def count(self) -> int:
        """How many."""
        return len(self._vectors)

    def add(self, vector: NDArray[np.float32]) -> int:
        """Add one, float32[dimension]; the row that it takes."""
        self._vectors.append(vector)
        return self.first + len(self._vectors) - 1

    def cut(self, count: int) -> None:
        """Keep the first ones only."""
        del self._vectors[count:]

    def stacked(self) -> NDArray[np.float32]:
        """float32[count, dimension]."""
        return np.stack(self._vectors)
