"""The rows themselves, scanned where they lie."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import UNIT_TOLERANCE, Distance, normalise, norms
from mitame.engines.exact.scanning import Keys, Prepared, Take
from mitame.engines.protocol import Rows

Lengths: TypeAlias = NDArray[np.float64]

ROUNDOFF = 2.0**-24
_TINY = 2.0**-100
"""Covers what is lost where float32 products fall below its smallest numbers."""
_TAME = (1e-12, 1e12)
"""Lengths whose products and squares stay far from float32's ends."""
_FLOATS_AT_ONCE = 1 << 22
_THREADS_OF_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_blas = threading.Lock()
_FLOATS_FOR_ONE_THREAD = 1 << 13
"""OpenBLAS takes one thread for matrices of at most 9,216 numbers."""
FEW_QUERIES = 3
"""Up to so many, one matrix-vector product each is quicker than a matrix-matrix product."""


class Whole:
    """Rows float32[rows, dimension] under a distance.

    Args:
        unit: the rows are known to be of length 1 or 0.
    """

    def __init__(self, vectors: Rows, distance: Distance, *, unit: bool) -> None:
        self.vectors = vectors
        self.distance = distance
        self.unit = unit

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """Floats per row."""
        return int(self.vectors.shape[1])

    def prepare(self, queries: Rows) -> Prepared:
        """See `Scanned.prepare`."""
        longest = 1.0 if self.distance == "cosine" else self._longest
        _ = self._factors  # computed once, before several threads need them
        return prepare(queries, self.distance, longest)

    def products(self, queries: Rows, take: Take) -> Keys:
        """See `Scanned.products`."""
        return product(queries, self.vectors[take])

    def bounds(
        self, products: Keys, prepared: Prepared, query: int, take: Take
    ) -> tuple[Keys, np.float32]:
        """See `Scanned.bounds`; the error is the same for all rows, so it is all in the width."""
        if self.distance == "euclidean":
            products *= -2
        else:
            np.negative(products, out=products)
        if self._factors is not None:
            change = np.add if self.distance == "euclidean" else np.multiply
            change(products, self._factors[take], out=products)
        return products, prepared.slacks[query]

    @cached_property
    def is_tame(self) -> bool:
        """Whether keys of the rows stay far from float32's ends."""
        return self.unit or bool(tame(self._norms).all())

    @cached_property
    def _norms(self) -> Lengths:
        step = max(1, _FLOATS_AT_ONCE // max(1, self.dimension))
        parts = [norms(self.vectors[i : i + step]) for i in range(0, self.rows, step)]
        return np.concatenate(parts or [np.empty(0)])

    @cached_property
    def _longest(self) -> float:
        return float(self._norms.max(initial=0.0))

    @cached_property
    def _factors(self) -> Keys | None:
        """float32[rows] that turn products into keys; None where nothing is to be done."""
        if self.distance == "euclidean":
            return (self._norms**2).astype(np.float32)
        if self.distance == "inner_product" or self.unit:
            return None
        lengths = np.where(self._norms == 0, np.inf, self._norms)
        return (1 / lengths).astype(np.float32)


def prepare(queries: Rows, distance: Distance, longest: float) -> Prepared:
    """Queries with the slack of their keys.

    The error of an inner product of n float32 terms in any order is at most n u |a| |b| with unit
    roundoff u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1); what
    is done to it afterwards adds a few u.

    Args:
        queries: float32[q, dimension].
        distance: which.
        longest: no row is longer.
    """
    dimension = queries.shape[1]
    scaled = normalise(queries) if distance == "cosine" else queries
    lengths = norms(scaled)
    scale = (lengths + longest) ** 2 if distance == "euclidean" else lengths * longest
    error = (dimension + 16) * ROUNDOFF * 1.01
    if distance == "cosine":  # rows count as of length 1 when they are so within the tolerance
        error += 2 * UNIT_TOLERANCE
    slacks = 2 * (error * scale + dimension * _TINY)
    return Prepared(scaled, rounded_up(lengths), rounded_up(slacks))


def rounded_up(values: Lengths) -> Keys:
    """float32 that are not below the float64 given."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def product(queries: Rows, rows: Rows, out: Keys | None = None) -> Keys:
    """Inner products float32[q, n] of queries and rows, quick for few queries, too."""
    if out is None:
        out = np.empty((len(queries), len(rows)), np.float32)
    if len(queries) <= FEW_QUERIES:
        for q, query in enumerate(queries):
            _product_of_one(query, rows, out[q])
    else:
        with _turn():
            np.matmul(queries, rows.T, out=out)
    return out


def _product_of_one(query: Rows, rows: Rows, out: Keys) -> None:
    """A product for each few rows, in one call: too small for the library's own threads.

    Those wait for each other by burning processor time, up to five times what the product takes
    where the machine is busy. The threads that this engine has wait for nobody.
    """
    few = max(1, _FLOATS_FOR_ONE_THREAD // max(1, rows.shape[1]))
    even = len(rows) // few * few
    blocks = rows[:even].reshape(-1, few, rows.shape[1])
    np.matmul(blocks, query, out=out[:even].reshape(-1, few))
    np.matmul(rows[even:], query, out=out[even:])


def _turn() -> AbstractContextManager[object]:
    """Matrix products that use all cores take turns, so that they don't have to share them."""
    alone = any(os.environ.get(name) == "1" for name in _THREADS_OF_BLAS)
    return nullcontext() if alone else _blas


def tame(lengths: Lengths) -> NDArray[np.bool_]:
    """Whether keys of vectors of these lengths have the error that `prepare` assumes."""
    low, high = _TAME
    return np.asarray((lengths == 0) | ((lengths > low) & (lengths < high)))
