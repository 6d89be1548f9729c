"""Short forms of vectors that bound how near two of them can be.

A vector is its projection onto a few directions and the length of the rest. By the
Cauchy-Schwarz inequality the inner product of two vectors is at most that of their projections
plus the product of the lengths of their rests: so whatever the short forms say is too far away is
too far away. The directions are those in which a sample varies most, found by subspace iteration
(Halko, Martinsson and Tropp 2011, Finding structure with randomness, algorithm 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance

Floats = NDArray[np.float32]
_SAMPLE = 2_048
_SPARE = 16
_ROUNDS = 2
_LEAST = 64
"""Vectors of so many numbers are short as they are."""
_SHARE = 10
"""A sketch has so many times fewer numbers than its vector."""
_ERROR = 4e-7
"""Rounding of an inner product beside the product of lengths, per number of the vectors."""


@dataclass(frozen=True)
class Sketcher:
    """Makes sketches of vectors of one lens.

    Attributes:
        dimension: of the vectors.
        distance: which.
        basis: float32[dimension, s], orthonormal columns; None where vectors stay whole.
    """

    dimension: int
    distance: Distance
    basis: Floats | None

    @classmethod
    def of(cls, sample: Floats, distance: Distance) -> Sketcher:
        """For vectors like those of a sample, float32[n, dimension].

        A sample of fewer vectors than a sketch has numbers says nothing: vectors stay whole.
        """
        dimension = sample.shape[1]
        size = dimension // _SHARE
        if dimension <= _LEAST or len(sample) <= size or not np.isfinite(sample).all():
            return cls(dimension, distance, None)
        directions = np.random.default_rng(0).standard_normal((dimension, size + _SPARE))
        found = np.asarray(directions, np.float32)
        for _ in range(_ROUNDS):
            found = np.linalg.qr(sample.T @ (sample @ found))[0]
        _, _, turned = np.linalg.svd(sample @ found, full_matrices=False)
        return cls(dimension, distance, np.ascontiguousarray((found @ turned.T)[:, :size]))

    @property
    def size(self) -> int:
        """Numbers of a sketch."""
        return (self.dimension if self.basis is None else self.basis.shape[1]) + 2

    def rows(self, vectors: Floats) -> Floats:
        """Sketches of rows, float32[n, size], of float32[n, dimension]."""
        short, rest, squares = self._parts(vectors)
        last = -squares / 2 if self.distance == "euclidean" else np.zeros_like(squares)
        return np.column_stack([short, rest, last]).astype(np.float32)

    def question(self, vectors: Floats) -> Floats:
        """Sketches to compare those of rows with, float32[n, size]."""
        short, rest, squares = self._parts(vectors)
        return np.column_stack([short, rest, np.ones_like(squares)]).astype(np.float32)

    def least(self, lengths: tuple[float, float], away: float, longest: float) -> float:
        """The least inner product with a question's sketch that a near row can have.

        Args:
            lengths: the least and the greatest length of the question's vectors.
            away: the distance up to which a row is near.
            longest: at least the length of every row.
        """
        error = _ERROR * (self.dimension + 8)
        if self.distance == "euclidean":
            wide = error * (lengths[1] + longest) ** 2
            return (lengths[0] ** 2 - away**2) / 2 - wide
        wide = error * (1.0 + lengths[1] * longest)
        return (1.0 - away if self.distance == "cosine" else -away) - wide

    def products(self, vectors: Floats, question: Floats) -> Floats:
        """What sketches bound, of rows float32[n, dimension] themselves: float32[n]."""
        found: Floats = (vectors @ question.T).max(axis=1)
        if self.distance == "euclidean":
            return np.asarray(found - self._squares(vectors) / 2, np.float32)
        return found

    def _parts(self, vectors: Floats) -> tuple[Floats, NDArray[np.float64], NDArray[np.float64]]:
        squares = self._squares(vectors)
        if self.basis is None:
            return vectors, np.zeros(len(vectors)), squares
        short = vectors @ self.basis
        # What rounding takes from the projection, the rest gets: the bound may only be too wide.
        rest = squares * (1 + 1e-5) - self._squares(short) * (1 - 1e-5)
        return short, np.sqrt(np.maximum(rest, 0)), squares

    @staticmethod
    def _squares(vectors: Floats) -> NDArray[np.float64]:
        squares: NDArray[np.float64] = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        return squares


def sample_of(count: int) -> NDArray[np.int64]:
    """Which of so many rows a sketcher is made from, int64[n], ascending."""
    if count <= _SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, _SAMPLE, replace=False))
