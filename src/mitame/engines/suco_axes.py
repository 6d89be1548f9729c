"""Which coordinates a part looks at: columns as they come, or axes of equal worth for all parts.

Columns of real vectors are of unequal worth: a part whose columns hardly vary tells little, and
yet has a vote like any other. TaCo (SIGMOD 2026, arXiv 2603.24919) turns the vectors first, so
that each part carries as much information as any other. Here: principal axes, dealt out so that
the variances of all pieces add up to nearly the same, the least of them left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.engines.protocol import Rows

Turn: TypeAlias = NDArray[np.float32]

KEPT = 0.8
"""Of the variance. On pictures as vectors (pixels, or a network's features) recall was the same or
better than with .95, which takes three times as many axes."""
_LEAST_AXES = 4
"""Of each piece, where there are so many: few axes cost nothing."""


@dataclass(frozen=True)
class Pieces:
    """How a vector becomes two pieces for each part.

    Attributes:
        widths: coordinates of each piece.
        axes: float32[sum of widths, dimension], one axis per coordinate; the columns of the
            vectors in their order where it is None.
    """

    widths: tuple[int, ...]
    axes: Turn | None = None

    @property
    def widest(self) -> int:
        """Coordinates of the largest piece, at least one."""
        return max(1, *self.widths)

    def of(self, vectors: Rows) -> Rows:
        """float32[pieces, n, widest] of vectors float32[n, dimension]; padded with zeros."""
        turned = vectors if self.axes is None else vectors @ self.axes.T
        out = np.zeros((len(self.widths), len(vectors), self.widest), np.float32)
        start = 0
        for piece, width in enumerate(self.widths):
            out[piece, :, :width] = turned[:, start : start + width]
            start += width
        return out


def in_order(dimension: int, pieces: int) -> Pieces:
    """Columns in their order, as many for each piece as for any other, or one more."""
    base, more = divmod(dimension, pieces)
    return Pieces(tuple(base + (piece < more) for piece in range(pieces)))


def balanced(sample: Rows, pieces: int) -> Pieces:
    """Principal axes of a sample, each dealt to the piece that has the least variance so far.

    Args:
        sample: float32[n, dimension], with mean zero.
        pieces: at most as many as there are dimensions.
    """
    if len(sample) <= pieces:
        return in_order(sample.shape[1], pieces)
    wide = sample.astype(np.float64)
    variances, vectors = np.linalg.eigh(wide.T @ wide / len(wide))
    variances = np.maximum(variances[::-1], 0)
    share = np.cumsum(variances) / max(variances.sum(), np.finfo(np.float64).tiny)
    kept = max(_LEAST_AXES * pieces, int(np.searchsorted(share, KEPT)) + 1)
    kept = min(kept, len(variances))
    dealt = _dealt(variances[:kept], pieces)
    order = [axis for piece in dealt for axis in piece]
    axes = vectors[:, ::-1].T[order].astype(np.float32)
    return Pieces(tuple(len(piece) for piece in dealt), axes)


def _dealt(variances: NDArray[np.float64], pieces: int) -> list[list[int]]:
    """Axes by falling variance, each to the piece with the lowest sum among those not yet full."""
    most = -(-len(variances) // pieces)
    dealt: list[list[int]] = [[] for _ in range(pieces)]
    sums = [0.0] * pieces
    for axis, variance in enumerate(variances.tolist()):
        open_to = [piece for piece in range(pieces) if len(dealt[piece]) < most]
        piece = min(open_to, key=lambda each: (sums[each], each))
        dealt[piece].append(axis)
        sums[piece] += variance
    return dealt
