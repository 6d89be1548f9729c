"""From bounded keys to the rows that may be among the k nearest.

A row's key may be wrong by a bounded amount, so each row has an upper bound, and a lower one that
is a *width* below it. The k-th lowest upper bound of any rows is a limit that the true k-th
nearest row does not exceed; a row whose lower bound lies above the limit is not among the k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.engines import parallel
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import Ids
from mitame.engines.settings import usable_cores

Keys: TypeAlias = NDArray[np.float32]
Take: TypeAlias = slice | Ids
"""Which rows: a range, or ascending ids."""

_QUERIES_AT_ONCE = 256
_KEYS_PER_BLOCK = 1 << 22
_GATHER_FLOATS = 1 << 22
_WORTH_A_THREAD = 1 << 23
"""Multiplications that take a core about as long as a thread takes to be woken, many times over."""
_GROUP = 64
_LARGEST = np.finfo(np.float32).max
"""+inf marks rows that are not allowed, and is never a limit."""


class Scanned(Protocol):
    """Rows, or a copy of them, whose keys order rows as their distances do."""

    @property
    def rows(self) -> int:
        """How many."""
        ...

    @property
    def dimension(self) -> int:
        """Floats per row."""
        ...

    def prepare(self, queries: Rows) -> Prepared:
        """Queries float32[q, dimension] as `bounds` wants them."""
        ...

    def products(self, queries: Rows, take: Take) -> Keys:
        """Inner products of prepared queries with rows, float32[q, taken]."""
        ...

    def bounds(
        self, products: Keys, prepared: Prepared, query: int, take: Take
    ) -> tuple[Keys, Keys | np.float32]:
        """Upper bounds float32[taken] of one query's keys, in place of the products, and widths."""
        ...


@dataclass(frozen=True)
class Prepared:
    """Queries of one search.

    Attributes:
        queries: float32[q, dimension], of length 1 for cosine.
        lengths: float32[q], rounded up.
        slacks: float32[q], twice the worst rounding error of a key.
    """

    queries: Rows
    lengths: Keys
    slacks: Keys


def candidates(
    scanned: Scanned, queries: Rows, k: int, *, only: Ids | None, allow: Allow | None
) -> list[Ids]:
    """Per query, ids ascending among which the k nearest surely are.

    Args:
        scanned: at least k + 1 rows.
        queries: float32[q, dimension].
        k: at least 1.
        only: ascending ids of the rows to look at, more than k; all if None.
        allow: bool[rows], more than k of them True; all if None.
    """
    found: list[Ids] = []
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        part = queries[start : start + _QUERIES_AT_ONCE]
        scan = _Scan(scanned, scanned.prepare(part), k, allow)
        parallel.each(scan.block, _blocks(scanned, len(part), only))
        found.extend(best.ids() for best in scan.best)
    return found


def _blocks(scanned: Scanned, queries: int, only: Ids | None) -> list[Take]:
    """Blocks whose keys fit the caches, small enough that every core has one."""
    count = scanned.rows if only is None else len(only)
    step = max(256, _KEYS_PER_BLOCK // queries)
    if only is not None:
        step = min(step, max(1, _GATHER_FLOATS // max(1, scanned.dimension)))
    if count * scanned.dimension * queries >= 2 * _WORTH_A_THREAD:
        step = min(step, -(-count // usable_cores()))
    starts = range(0, count, step)
    if only is not None:
        return [only[start : start + step] for start in starts]
    return [slice(start, min(start + step, count)) for start in starts]


class _Scan:
    """One search over blocks, in any order and on several threads."""

    def __init__(self, scanned: Scanned, prepared: Prepared, k: int, allow: Allow | None) -> None:
        self._scanned = scanned
        self._prepared = prepared
        self._allow = allow
        self.best = [Best(k) for _ in range(len(prepared.queries))]

    def block(self, take: Take) -> None:
        """Offer every row of a block to every query."""
        products = self._scanned.products(self._prepared.queries, take)
        denied = None if self._allow is None else ~self._allow[take]
        for q, best in enumerate(self.best):
            upper, width = self._scanned.bounds(products[q], self._prepared, q, take)
            if denied is not None:
                upper[denied] = np.inf
            best.offer(upper, width, take)


class Best:
    """What one query has found so far: all ids that may still be among its k nearest.

    Offers of several threads may run at the same time. A limit that one of them misses or
    overwrites only lets more rows pass: each limit is right by itself.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._limit = _LARGEST
        self._found: list[tuple[Keys, Keys, Ids]] = []

    def offer(self, upper: Keys, width: Keys | np.float32, take: Take) -> None:
        """Keep the rows of a block, float32[taken] each, that may be among the nearest."""
        limit = min(self._limit, kth_lowest(upper, self._k))
        self._limit = limit
        near = np.flatnonzero(upper <= limit + width)
        kept = upper[near]
        widths = width[near] if isinstance(width, np.ndarray) else np.full_like(kept, width)
        ids = near + take.start if isinstance(take, slice) else take[near]
        self._found.append((kept, widths, ids))

    def ids(self) -> Ids:
        """Ascending ids of what remains when all blocks are known."""
        upper, widths, ids = (np.concatenate(arrays) for arrays in zip(*self._found, strict=True))
        limit = min(self._limit, kth_lowest(upper, self._k))
        return np.sort(ids[upper <= limit + widths])


def kth_lowest(keys: Keys, k: int) -> np.float32:
    """A number that at least k of the keys do not exceed, near the lowest such.

    Of many keys, the lowest of each group of 64 are looked at only: k groups with such a lowest
    key have k such keys. float32's largest where there are fewer finite keys.
    """
    groups = len(keys) // _GROUP
    if groups >= 4 * k:
        kth = _partitioned(keys[: groups * _GROUP].reshape(_GROUP, groups).min(axis=0), k)
        if np.isfinite(kth):
            return kth
    return _partitioned(keys, k)


def _partitioned(keys: Keys, k: int) -> np.float32:
    if len(keys) < k:
        return _LARGEST
    kth = np.float32(np.partition(keys, k - 1)[k - 1])
    return kth if np.isfinite(kth) else _LARGEST
