"""Rows as the cascade compares them, read block by block from their map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import UNIT_TOLERANCE, Distance, norms
from mitame.engines.cascade.shape import Floats

Numbers: TypeAlias = NDArray[np.int64]
Lengths: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = dict[str, NDArray[Any]]

_BLOCK_FLOATS = 1 << 19
"""Of the rows that are gone through together, so that what is made of them stays in the cache."""


class ComparedRows:
    """Rows of length 1 for cosine, as they are for other distances.

    Attributes:
        vectors: float32[rows, dimension], as they were given.
        distance: which.
        inverses: float32[rows], 1 / length, 0 for a row of zeros; None where none has to change.
    """

    def __init__(self, vectors: Floats, distance: Distance, lengths: Lengths | None = None) -> None:
        self.vectors = vectors
        self.distance = distance
        self.inverses: Floats | None = None
        if distance == "cosine":
            self.inverses = _inverses(lengths_of(vectors) if lengths is None else lengths)

    def __len__(self) -> int:
        return len(self.vectors)

    def at(self, rows: Numbers | slice) -> Floats:
        """float32[n, dimension] of these rows, copied."""
        # Chosen by numbers they are copied already.
        found = np.array(self.vectors[rows], np.float32, copy=isinstance(rows, slice) or None)
        if self.inverses is not None:
            found *= self.inverses[rows, np.newaxis]
        return found

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """All rows, some at a time, to be read: they may be the caller's own."""
        for where in _slices(len(self), self.vectors.shape[1]):
            yield where, self.vectors[where] if self.inverses is None else self.at(where)

    def blocks_of(self, rows: Numbers) -> Iterator[Floats]:
        """Some rows, some at a time."""
        for where in _slices(len(rows), self.vectors.shape[1]):
            yield self.at(rows[where])


def lengths_of(vectors: Floats) -> Lengths:
    """float64[n] of float32[n, dimension], read block by block."""
    parts = [norms(vectors[where]) for where in _slices(*vectors.shape)]
    return np.concatenate(parts or [np.empty(0)])


def _slices(rows: int, dimension: int) -> Iterator[slice]:
    step = max(1, _BLOCK_FLOATS // max(1, dimension))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _inverses(lengths: Lengths) -> Floats | None:
    """1 / length of each row, 0 for a row of zeros; None where all have length 1."""
    if (np.abs(lengths - 1) <= UNIT_TOLERANCE).all():
        return None
    with np.errstate(divide="ignore"):
        inverses = np.where(lengths > 0, 1 / lengths, 0)
    return np.asarray(inverses, np.float32)
