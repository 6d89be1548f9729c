"""Which parts of two pictures are alike. Pure.

A picture's vector is the mean of its patches, so the score of two pictures falls apart into what
each patch brings (Stylianou, Souvenir and Pless, "Visualizing Deep Similarity Networks", 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.distances import normalise

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Matched:
    """The patches of a picture, compared with those of another.

    Attributes:
        similarity: float32[rows, columns], -1 to 1: cosine with the most alike patch there.
        match: int64[rows, columns]: which that is, counted row by row.
        share: float32[rows, columns]: what the patch brings to the cosine of the two pictures;
            all together are that cosine.
    """

    similarity: Floats
    match: NDArray[np.int64]
    share: Floats


def matched(one: Floats, other: Floats) -> Matched:
    """Compare features float32[r, c, d] with float32[r2, c2, d], r x c and r2 x c2 patches."""
    rows, columns, dimension = one.shape
    own, others = one.reshape(-1, dimension), other.reshape(-1, dimension)
    cosines = normalise(own) @ normalise(others).T
    best = cosines.argmax(axis=1)
    similarity = np.take_along_axis(cosines, best[:, np.newaxis], axis=1)
    mean, mean_there = own.mean(axis=0), others.mean(axis=0)
    lengths = float(np.linalg.norm(mean) * np.linalg.norm(mean_there)) or 1.0
    share = own @ mean_there / (len(own) * lengths)
    shape = (rows, columns)
    return Matched(
        np.clip(similarity, -1, 1).astype(np.float32).reshape(shape),
        best.reshape(shape).astype(np.int64),
        share.astype(np.float32).reshape(shape),
    )
