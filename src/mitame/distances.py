"""How far two vectors are apart, quickly for many and exactly for few.

| distance | value | range | score |
|---|---|---|---|
| ``cosine`` | 1 - cos(a, b) | 0 to 2 | 1 - distance, the cosine itself |
| ``euclidean`` | L2 norm of a - b | 0 up | 1 / (1 + distance), from 1 down to 0 |
| ``inner_product`` | -(a . b) | any | -distance, the inner product itself |

A smaller distance and a higher score are nearer. A zero vector has no direction: under ``cosine``
it is at distance 1 from everything, from another zero vector too.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.errors import InvalidVector, UsageError

Distance = Literal["cosine", "euclidean", "inner_product"]
DISTANCES: tuple[Distance, ...] = get_args(Distance)
UNIT_TOLERANCE = 1e-6
"""How far from 1 the norm of a normalised float32 vector may be."""

_LARGEST = float(np.finfo(np.float32).max)
_WIDE_FROM = 1e15
"""Above this, squares of float32 come near its end: such vectors are computed in float64."""
_EXACT_BLOCK = 1 << 18
"""Floats per block in `exact`: 2 MiB of float64, which stays in the processor's cache."""


def check_distance(value: str) -> Distance:
    """The distance of this name.

    Raises:
        UsageError: no such distance.
    """
    for name in DISTANCES:
        if name == value:
            return name
    raise UsageError(f"no distance {value!r}", remedy=f"use one of {', '.join(DISTANCES)}")


def check_vectors(array: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """Vectors as contiguous float32[n, dimension]; the input itself where it is that already.

    Raises:
        InvalidVector: not two-dimensional real numbers, wrong dimension, NaN or infinity (also
            a float64 too large for float32).
    """
    found = _numbers(array)
    if found.ndim != 2:
        raise InvalidVector(
            f"vectors need two axes, [n, {dimension}], not shape {_shape(found)}",
            remedy="give an array of rows",
        )
    if found.shape[1] != dimension:
        raise InvalidVector(
            f"vectors have {found.shape[1]} dimensions instead of {dimension}",
            remedy="use the embedder that the lens was made with",
        )
    with np.errstate(over="ignore"):
        vectors: NDArray[np.float32] = np.ascontiguousarray(found, dtype=np.float32)
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise InvalidVector(
            f"vector {row} has NaN, infinity or a number too large for float32",
            remedy="check the picture or the model that it came from",
        )
    return vectors


def check_vector(array: ArrayLike, dimension: int) -> NDArray[np.float32]:
    """One vector as contiguous float32[dimension].

    Raises:
        InvalidVector: as `check_vectors`.
    """
    found = _numbers(array)
    if found.ndim != 1:
        raise InvalidVector(
            f"a vector needs one axis of {dimension} numbers, not shape {_shape(found)}",
            remedy="give a flat list of numbers",
        )
    vector: NDArray[np.float32] = check_vectors(found[np.newaxis], dimension)[0]
    return vector


def _numbers(array: ArrayLike) -> NDArray[np.generic]:
    try:
        found: NDArray[np.generic] = np.asarray(array)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidVector(
            "vectors must have the same number of numbers each", remedy="give an array of numbers"
        ) from error
    if found.dtype.kind not in "fiu":
        raise InvalidVector(
            f"vectors must be real numbers, not {found.dtype}", remedy="give float32"
        )
    return found


def _shape(array: NDArray[np.generic]) -> str:
    return "[" + ", ".join(str(n) for n in array.shape) + "]"


def norms(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """L2 norms of float32[n, dimension] as float64[n], summed in float64."""
    squares: NDArray[np.float64] = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return np.sqrt(squares)


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of float32[n, dimension] scaled to length 1; a zero row stays zero.

    Rows whose length is 1 within `UNIT_TOLERANCE` keep their bits, so that doing it twice is
    the same as doing it once; where all are so, the answer is the input itself.
    """
    lengths = norms(vectors)
    if np.all((np.abs(lengths - 1) <= UNIT_TOLERANCE) | (lengths == 0)):
        return vectors
    lengths[(np.abs(lengths - 1) <= UNIT_TOLERANCE) | (lengths == 0)] = 1
    return (vectors / lengths[:, np.newaxis]).astype(np.float32)


def pairwise(
    queries: NDArray[np.float32], rows: NDArray[np.float32], distance: Distance
) -> NDArray[np.float32]:
    """Distances of each query to each row, by one matrix product.

    Args:
        queries: float32[q, dimension].
        rows: float32[n, dimension].
        distance: which.

    Returns:
        float32[q, n]; right to about dimension x 6e-8 of the vectors' lengths, so that small
        Euclidean distances between long vectors are rough: see `exact`.
    """
    if distance == "cosine":
        return _cosine_matrix(queries, rows)
    wide = _needs_float64(queries) or _needs_float64(rows)
    a, b = (queries.astype(np.float64), rows.astype(np.float64)) if wide else (queries, rows)
    if distance == "inner_product":
        return _narrow(-(a @ b.T))
    squares = norms(queries)[:, np.newaxis] ** 2 + norms(rows) ** 2 - 2.0 * (a @ b.T)
    return _narrow(np.sqrt(np.maximum(squares, 0)))


def _cosine_matrix(queries: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    products = normalise(queries) @ normalise(rows).T
    return np.asarray(np.clip(1 - products, 0, 2), np.float32)


def _needs_float64(vectors: NDArray[np.float32]) -> bool:
    return bool(vectors.size) and float(np.abs(vectors).max()) > _WIDE_FROM


def exact(
    query: NDArray[np.float32], rows: NDArray[np.float32], distance: Distance
) -> NDArray[np.float32]:
    """Distances of one query to rows, without cancellation.

    Computed from differences in float64, row by row: the result does not depend on which other
    rows are asked, nor on the linear algebra library. Equal vectors are at exactly 0 under
    ``cosine`` (unless zero) and ``euclidean``. Cosine is half the squared distance of the unit
    vectors, which equals 1 - cos.

    Args:
        query: float32[dimension].
        rows: float32[n, dimension].
        distance: which.

    Returns:
        float32[n].
    """
    out = np.empty(len(rows), np.float32)
    step = max(1, _EXACT_BLOCK // max(1, rows.shape[1]))
    wide = query.astype(np.float64)
    for start in range(0, len(rows), step):
        block = rows[start : start + step].astype(np.float64)
        out[start : start + step] = _narrow(_exact_block(wide, block, distance))
    return out


def _exact_block(
    query: NDArray[np.float64], block: NDArray[np.float64], distance: Distance
) -> NDArray[np.float64]:
    """Distances float64[n]; the block is used up."""
    if distance == "inner_product":
        return -_products(block, np.broadcast_to(query, block.shape))
    if distance == "euclidean":
        block -= query
        return np.sqrt(_products(block, block))
    lengths = np.sqrt(_products(block, block))
    length = float(np.sqrt(_products(query[np.newaxis], query[np.newaxis])[0]))
    zero = (lengths == 0) | (length == 0)
    lengths[lengths == 0] = 1
    block /= lengths[:, np.newaxis]
    block -= query / (length or 1.0)
    return np.where(zero, 1.0, np.minimum(_products(block, block) / 2, 2.0))


def _products(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner product of each pair of rows; einsum sums each row by itself, in a fixed order."""
    products: NDArray[np.float64] = np.einsum("nd,nd->n", a, b)
    return products


def _narrow(values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    return np.clip(values, -_LARGEST, _LARGEST).astype(np.float32)


def score(distance: float, metric: Distance) -> float:
    """How alike, higher is nearer: cosine 1 - d; euclidean 1 / (1 + d); inner product -d."""
    if metric == "cosine":
        return 1.0 - distance
    if metric == "euclidean":
        return 1.0 / (1.0 + distance)
    return -distance
