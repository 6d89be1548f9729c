"""Numbers that order rows as their distances do but for rounding, and how far off they may be.

A matrix product gives them for many queries at once. What lies within twice the worst error of a
limit is ranked again by `mitame.distances.exact`, so that no rounding changes an answer. The
error bound is the one of `mitame.engines.exact`: an inner product of n terms is off by at most
n u |a| |b|, with unit roundoff u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms,
section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.distances import UNIT_TOLERANCE, Distance, exact, norms

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_ROUNDOFF = 2.0**-24
_TINY = 2.0**-100
"""Covers what is lost where float32 products fall below its smallest numbers."""
_TAME = (1e-12, 1e12)
"""Lengths whose products and squares stay far from float32's ends."""
_UNIT_ERROR = 8 * UNIT_TOLERANCE
"""How far a cosine may be off because vectors are not quite of length 1."""
_LARGEST = np.finfo(np.float32).max


@dataclass(frozen=True)
class RowKeys:
    """Rows to be compared with queries.

    Attributes:
        vectors: float32[n, dimension]; of length 1 (or 0) under cosine.
        squares: float32[n], squared lengths; empty where the distance is another than euclidean.
        distance: which.
    """

    vectors: Floats
    squares: Floats
    distance: Distance

    @classmethod
    def of(cls, vectors: Floats, distance: Distance) -> RowKeys:
        """Keys of float32[n, dimension]."""
        squares = np.empty(0, np.float32)
        if distance == "euclidean":
            with np.errstate(over="ignore"):
                squares = (norms(vectors) ** 2).astype(np.float32)
        return cls(vectors, squares, distance)

    def to(self, queries: Floats) -> Floats:
        """float32[q, n] for queries float32[q, dimension]: lower is nearer."""
        keys: Floats
        if len(queries) == 1:  # no threads for so little: waiting for them can take longer
            keys = np.einsum("nd,d->n", self.vectors, queries[0])[np.newaxis]
        else:
            keys = queries @ self.vectors.T
        if self.distance == "euclidean":
            keys *= -2
            keys += self.squares
            return keys
        return np.negative(keys, out=keys)


def slack(
    lengths: NDArray[np.float64], longest: float, dimension: int, distance: Distance
) -> Floats:
    """Twice the worst error of a key, float32[q].

    Args:
        lengths: float64[q], of the queries.
        longest: the greatest length of a row.
        dimension: floats per row.
        distance: which.
    """
    error = (dimension + 8) * _ROUNDOFF * 1.01
    if distance == "cosine":
        off = np.full(len(lengths), error + _UNIT_ERROR)
    elif distance == "inner_product":
        off = error * lengths * longest
    else:
        off = error * (lengths + longest) ** 2
    return np.nextafter((2 * (off + dimension * _TINY)).astype(np.float32), _LARGEST)


def limit_of(
    away: Floats, lengths: NDArray[np.float64], slacks: Floats, distance: Distance
) -> Floats:
    """The greatest key, float32[q], that a row at most so far away may have; +inf for +inf."""
    wide = away.astype(np.float64) * (1 + np.sign(away) * 4 * _ROUNDOFF)  # it has been rounded
    if distance == "cosine":
        limits = wide - 1
    elif distance == "euclidean":
        limits = wide**2 - lengths**2
    else:
        limits = wide
    found = (limits + slacks).astype(np.float32)
    return np.nextafter(found, np.float32(np.inf))


def is_tame(lengths: NDArray[np.float64]) -> bool:
    """Whether float32 products of vectors of these lengths are what the error bound says."""
    low, high = _TAME
    return bool(np.all((lengths == 0) | ((lengths > low) & (lengths < high))))


def least(queries: Floats, rows: Floats, distance: Distance) -> Floats:
    """The exact distance of each of rows float32[n, dimension] to the nearest query, float32[n]."""
    found = exact(queries[0], rows, distance)
    for query in queries[1:]:
        np.minimum(found, exact(query, rows, distance), out=found)
    return found


def nearest_rows(
    rows: Numbers, distances: Floats, owners: Numbers
) -> tuple[Numbers, Floats, Numbers]:
    """Each owner once, by its nearest row (the first of equals), nearest first.

    Args:
        rows: int64[n].
        distances, owners: of each row.
    """
    order = np.lexsort((rows, distances))
    rows, distances, owners = rows[order], distances[order], owners[order]
    _, first = np.unique(owners, return_index=True)
    if len(first) < len(rows):
        first.sort()
        return rows[first], distances[first], owners[first]
    return rows, distances, owners
