"""The exact engine: every row is looked at, so the answer is the true one.

A matrix product gives keys that order the rows but for rounding. Rows whose key is within the
worst rounding error of the k-th are kept and ranked again with `mitame.distances.exact`, so that
the answer depends neither on block sizes nor on the linear algebra library. The error bound is
the classical one for an inner product of n terms, n u |a| |b| with unit roundoff u = 2^-24
(Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import (
    DISTANCES,
    UNIT_TOLERANCE,
    Distance,
    exact,
    normalise,
    norms,
)
from mitame.engines.protocol import Abilities, Allow, Candidate, Parts
from mitame.engines.ranking import check_search
from mitame.engines.settings import check_rows, read
from mitame.neighbors import PADDING, Neighbors

Rows = NDArray[np.float32]
Keys = NDArray[np.float32]
Ids = NDArray[np.int64]

_ROUNDOFF = 2.0**-24
_TINY = 2.0**-100
"""Covers what is lost where float32 products fall below its smallest numbers."""
_TAME = (1e-12, 1e12)
"""Lengths whose products and squares stay far from float32's ends."""
_KEYS_PER_BLOCK = 1 << 22
_GATHER_FLOATS = 1 << 22
_GATHER_BELOW = 0.3
"""Share of allowed rows below which copying them out costs less than looking at all."""


@dataclass(frozen=True)
class ExactEngine:
    """Builds nothing: its index is the rows themselves."""

    name: str = "exact"
    abilities: Abilities = field(
        default=Abilities(exact=True, distances=frozenset(DISTANCES), filters=True)
    )

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> ExactIndex:
        """An index over the rows, which it keeps by reference and never changes.

        Raises:
            InvalidVector: not a finite array of rows.
            UsageError: another setting or distance.
        """
        common, _ = read(self.name, settings, {})
        rows, known = check_rows(vectors, distance, self.abilities, common)
        return ExactIndex(rows, known, unit=common.trusted and known == "cosine")

    def check(self) -> None:
        """Nothing is missing: NumPy is all it needs."""

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> ExactIndex:  # noqa: ARG002 (the protocol's)
        """An index over rows that were checked, and normalised for cosine, when written."""
        return self.build(vectors, distance, trusted=True)

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """There is one way."""
        return (Candidate(efforts=(1.0,)),)


class ExactIndex:
    """Rows and a distance; see `mitame.engines.protocol.Index`."""

    def __init__(self, vectors: Rows, distance: Distance, *, unit: bool = False) -> None:
        self._vectors = vectors
        self._distance = distance
        self._unit = unit

    @property
    def rows(self) -> int:
        """How many rows it was built over."""
        return len(self._vectors)

    @property
    def dimension(self) -> int:
        """Floats per row."""
        return int(self._vectors.shape[1])

    @property
    def memory(self) -> int:
        """Nothing is kept but the rows."""
        return 0

    def save(self) -> Parts:
        """Nothing: the rows are all of it."""
        return {}

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; `effort` changes nothing, all rows are looked at.

        Raises:
            InvalidVector: wrong dimension, NaN or infinity.
            UsageError: k below 1, effort outside 0 to 1, or `allow` of another shape.
        """
        queries = check_search(queries, k, effort, allow, rows=self.rows, dimension=self.dimension)
        ids = np.full((len(queries), k), PADDING, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        for q, candidates in enumerate(self._candidates(queries, k, allow)):
            found, away = self._rank(queries[q], candidates, k)
            ids[q, : len(found)] = found
            distances[q, : len(found)] = away
        return Neighbors(ids, distances)

    def _rank(self, query: Rows, candidates: Ids, k: int) -> tuple[Ids, Keys]:
        away = np.concatenate(
            [
                exact(query, self._vectors[part], self._distance)
                for part in _parts(candidates, self._gathered_rows)
            ]
            or [np.empty(0, np.float32)]
        )
        order = np.lexsort((candidates, away))[:k]
        return candidates[order], away[order]

    def _candidates(self, queries: Rows, k: int, allow: Allow | None) -> list[Ids]:
        """Per query, ids among which the k nearest surely are."""
        ids = None if allow is None else np.flatnonzero(allow)
        few = ids is not None and len(ids) <= max(k, int(self.rows * _GATHER_BELOW))
        if ids is not None and (len(ids) <= k or not self._is_tame(queries)):
            return [ids] * len(queries)
        if k >= self.rows or not self._is_tame(queries):
            return [np.arange(self.rows)] * len(queries)
        best = [_Best(k, slack) for slack in self._slacks(queries)]
        scaled = normalise(queries) if self._distance == "cosine" else queries
        blocks = self._gathered(ids) if few and ids is not None else self._blocks(len(queries))
        for block_ids, rows in blocks:
            keys = self._keys(scaled, rows, block_ids)
            if allow is not None and not few:
                keys[:, ~allow[block_ids]] = np.inf
            for q, row_keys in enumerate(keys):
                best[q].offer(row_keys, block_ids)
        return [part.ids() for part in best]

    def _blocks(self, queries: int) -> Iterator[tuple[Ids, Rows]]:
        step = max(256, _KEYS_PER_BLOCK // max(1, queries))
        for start in range(0, self.rows, step):
            rows = self._vectors[start : start + step]
            yield np.arange(start, start + len(rows)), rows

    @property
    def _gathered_rows(self) -> int:
        return max(1, _GATHER_FLOATS // max(1, self.dimension))

    def _gathered(self, ids: Ids) -> Iterator[tuple[Ids, Rows]]:
        for part in _parts(ids, self._gathered_rows):
            yield part, self._vectors[part]

    def _keys(self, queries: Rows, rows: Rows, ids: Ids) -> Keys:
        """Keys float32[q, b] that order the rows of a block as their distances do."""
        keys: Keys = queries @ rows.T
        if self._distance == "euclidean":
            keys *= -2
            keys += self._squares[ids]
            return keys
        np.negative(keys, out=keys)
        if self._distance == "cosine" and not self._unit:
            keys *= self._inverses[ids]
        return keys

    def _slacks(self, queries: Rows) -> NDArray[np.float64]:
        """Per query, twice the worst error of a key."""
        error = (self.dimension + 8) * _ROUNDOFF * 1.01
        lengths = norms(queries)
        if self._distance == "cosine":
            lengths = np.ones_like(lengths)
            scale = lengths * (1 + UNIT_TOLERANCE)
        elif self._distance == "inner_product":
            scale = lengths * self._longest
        else:
            scale = (lengths + self._longest) ** 2
        slacks: NDArray[np.float64] = 2 * (error * scale + self.dimension * _TINY)
        return slacks

    def _is_tame(self, queries: Rows) -> bool:
        mine = True if self._unit else _tame(self._norms)
        return mine and _tame(norms(queries))

    @cached_property
    def _norms(self) -> NDArray[np.float64]:
        step = self._gathered_rows
        parts = [norms(self._vectors[i : i + step]) for i in range(0, self.rows, step)]
        return np.concatenate(parts or [np.empty(0)])

    @cached_property
    def _longest(self) -> float:
        return float(self._norms.max(initial=0.0))

    @cached_property
    def _squares(self) -> Keys:
        return (self._norms**2).astype(np.float32)

    @cached_property
    def _inverses(self) -> Keys:
        lengths = np.where(self._norms == 0, np.inf, self._norms)
        return (1 / lengths).astype(np.float32)


class _Best:
    """Candidates of one query over blocks: all ids whose key may still be among the k lowest."""

    def __init__(self, k: int, slack: float) -> None:
        self._k = k
        self._slack = slack
        self._keys = np.empty(0, np.float32)
        self._ids = np.empty(0, np.int64)

    def offer(self, keys: Keys, ids: Ids) -> None:
        near = np.flatnonzero(keys <= self._limit(keys))
        both = np.concatenate([self._keys, keys[near]])
        both_ids = np.concatenate([self._ids, ids[near]])
        keep = both <= self._limit(both)
        self._keys, self._ids = both[keep], both_ids[keep]

    def _limit(self, keys: Keys) -> np.float32:
        largest = np.finfo(np.float32).max  # +inf marks rows that are not allowed
        if len(keys) <= self._k:
            return largest
        kth = float(np.partition(keys, self._k - 1)[self._k - 1])
        if not np.isfinite(kth):
            return largest
        return np.float32(np.nextafter(np.float32(kth + self._slack), largest))

    def ids(self) -> Ids:
        return self._ids


def _parts(ids: Ids, size: int) -> list[Ids]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _tame(lengths: NDArray[np.float64]) -> bool:
    low, high = _TAME
    return bool(np.all((lengths == 0) | ((lengths > low) & (lengths < high))))
