"""Rows as the cascade compares them, read block by block from their map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import UNIT_TOLERANCE, Distance, norms
from mitame.engines.cascade.shape import Floats

Numbers: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = dict[str, NDArray[Any]]

_BLOCK_FLOATS = 1 << 23


class ComparedRows:
    """Rows of length 1 for cosine, as they are for other distances.

    Attributes:
        vectors: float32[rows, dimension], as they were given.
        distance: which.
        inverses: float32[rows], 1 / length, 0 for a row of zeros; None where none has to change.
    """

    def __init__(self, vectors: Floats, distance: Distance) -> None:
        self.vectors = vectors
        self.distance = distance
        self.inverses = _inverses(vectors) if distance == "cosine" else None

    def __len__(self) -> int:
        return len(self.vectors)

    def at(self, rows: Numbers | slice) -> Floats:
        """float32[n, dimension] of these rows, copied."""
        found = np.array(self.vectors[rows], np.float32)
        if self.inverses is not None:
            found *= self.inverses[rows, np.newaxis]
        return found

    def blocks(self, floats: int = _BLOCK_FLOATS) -> Iterator[tuple[slice, Floats]]:
        """All rows, at most so many floats at a time."""
        step = max(1, floats // self.vectors.shape[1])
        for start in range(0, len(self), step):
            where = slice(start, min(start + step, len(self)))
            yield where, self.at(where)


def _inverses(vectors: Floats) -> Floats | None:
    """1 / length of each row, 0 for a row of zeros; None where all have length 1."""
    step = max(1, _BLOCK_FLOATS // max(1, vectors.shape[1]))
    parts = [norms(vectors[i : i + step]) for i in range(0, len(vectors), step)]
    lengths = np.concatenate(parts or [np.empty(0)])
    if (np.abs(lengths - 1) <= UNIT_TOLERANCE).all():
        return None
    with np.errstate(divide="ignore"):
        inverses = np.where(lengths > 0, 1 / lengths, 0)
    return np.asarray(inverses, np.float32)
