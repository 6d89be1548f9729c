"""The two principal axes of vectors: where the plane lies on which they spread the most.

Found by subspace iteration on a sample (Halko, Martinsson and Tropp, "Finding structure with
randomness", 2011), which reads the sample a few times and needs no covariance matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE = 8_192
"""Vectors that the axes are found from."""
_SEED = 0
_WIDTH = 8
_PASSES = 8


@dataclass(frozen=True)
class Principal:
    """A plane in the space of the vectors, or a few axes more.

    Attributes:
        mean: float32[dimension].
        axes: float32[dimension, a], orthonormal, the one of most variance first; zeros where the
            vectors have fewer dimensions.
        scale: what vectors are divided by, so that no square overflows.
    """

    mean: Floats
    axes: Floats
    scale: float

    @classmethod
    def of(cls, sample: Floats, count: int = 2) -> Principal:
        """The leading axes of vectors, always the same for the same ones.

        Args:
            sample: float32[n, dimension], n at least 1.
            count: of axes, at most 8.
        """
        scale = float(np.abs(sample).max(initial=0.0)) or 1.0
        centred = sample / np.float32(scale)
        mean = centred.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred -= mean
        axes = np.zeros((sample.shape[1], count), np.float32)
        found = _leading(centred)[:, :count]
        axes[:, : found.shape[1]] = found
        return cls(mean, axes, scale)

    def project(self, vectors: Floats) -> Floats:
        """float32[n, a] of vectors float32[n, dimension]."""
        centred: Floats = vectors / np.float32(self.scale)
        centred -= self.mean
        return centred @ self.axes


def drawn(count: int) -> NDArray[np.int64]:
    """int64[at most `SAMPLE`], ascending: which of `count` vectors to find the axes from."""
    if count <= SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(_SEED).choice(count, SAMPLE, replace=False))


def _leading(centred: Floats) -> Floats:
    """float32[dimension, at most 8]: the leading right singular vectors."""
    dimension = centred.shape[1]
    rng = np.random.default_rng(_SEED)
    basis: Floats = rng.standard_normal((dimension, min(_WIDTH, dimension))).astype(np.float32)
    for _ in range(_PASSES):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0].astype(np.float32, copy=False)
    _, _, turn = np.linalg.svd(centred @ basis, full_matrices=False)
    axes: Floats = basis @ turn.T
    # A singular vector's sign is arbitrary: the largest component shall be positive.
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1).astype(np.float32)
    return axes
