"""The nearest items of many items at once: a blocked matrix product, then exact distances.

Rows of an item stand together, so that the least key over the rows of two items is a reduction
along both axes of a block. Of each query's items only those that may still be among its nearest
are kept, and ranked by `mitame.distances.exact`: the result is that of comparing all with all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_keys import RowKeys, is_tame, least, nearest_rows, slack
from mitame.collection.neighbor_rows import ItemRows, StoredRows
from mitame.collection.neighbor_table import NONE
from mitame.distances import norms
from mitame.engines.settings import usable_cores

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
IdOf = Callable[[int], str | None]

_QUERY_ROWS = 512
_ROWS = 8_192
_FIRST_ROWS = 2_048
"""Rows of the first block, in which the k-th key of each query is looked for."""
_MOST_PAIRS = 1 << 22
"""Candidates of one block of queries; where there are more, the block is cut in two."""
_NORM_FLOATS = 1 << 22


class ExactLists:
    """Finds the k nearest items of items of one lens.

    Args:
        source: the vectors.
        owners: int64[rows], the key of each row's item.
        id_of: an item's id by its key, which orders items at one distance.
        k: at least 1.

    Attributes:
        items: the rows by item.
    """

    def __init__(self, source: StoredRows, owners: Numbers, id_of: IdOf, k: int) -> None:
        self.source = source
        self.owners = owners
        self.id_of = id_of
        self.k = k
        self.items = ItemRows.of(owners)
        self._norms = self._lengths()
        self._longest = float(self._norms.max(initial=0.0))
        self._is_tame = is_tame(self._norms)

    def blocks(self, places: Numbers) -> Iterator[tuple[Numbers, Floats]]:
        """Lists of the items at some places of `items`, a block of them after another.

        Yields:
            rows int64[b, k] and distances float32[b, k]: the nearest row of each neighbour,
            nearest first, ties by id, padded with -1 and +inf.
        """
        per_item = max(1, len(self.items.order) // max(1, len(self.items.items)))
        step = max(1, _QUERY_ROWS // per_item)
        parts = [places[start : start + step] for start in range(0, len(places), step)]
        ahead: deque[Future[tuple[Numbers, Floats]]] = deque()
        with ThreadPoolExecutor(usable_cores()) as pool:
            for part in parts:
                ahead.append(pool.submit(self._lists, part))
                if len(ahead) > 2 * usable_cores():
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _lists(self, places: Numbers) -> tuple[Numbers, Floats]:
        found = self._near(places)
        if found is None:
            half = len(places) // 2
            first, second = self._lists(places[:half]), self._lists(places[half:])
            return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
        queries, others = found
        ends = np.searchsorted(queries, np.arange(len(places) + 1))
        ranked = (
            self._ranked(place, others[ends[q] : ends[q + 1]])
            for q, place in enumerate(places.tolist())
        )
        return padded(ranked, len(places), self.k)

    def _ranked(self, place: int, others: Numbers) -> tuple[Numbers, Floats]:
        """The k nearest of some items to one, by exact distances."""
        if not len(others):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        queries = self.source.asked(self.items.rows(place))
        rows = np.sort(self.items.rows_of(others))  # read in the order of the file
        away = least(queries, self.source.raw(rows), self.source.distance)
        rows, away, owners = nearest_rows(rows, away, self.owners[rows])
        order = order_by_id(away, owners, self.k, self.id_of)
        return rows[order], away[order]

    def _near(self, places: Numbers) -> tuple[Numbers, Numbers] | None:
        """Pairs of a query's number and the place of an item that may be among its nearest.

        None where there are too many to be held.
        """
        query_rows = self.items.rows_of(places)
        queries = self.source.asked(query_rows)
        starts = np.zeros(len(places), np.int64)
        starts[1:] = np.cumsum(self.items.starts[places + 1] - self.items.starts[places])[:-1]
        lengths = self._norms[query_rows]
        slacks = np.zeros(len(query_rows), np.float32)
        if self._is_tame:
            slacks = slack(lengths, self._longest, queries.shape[1], self.source.distance)
        near = _Near(np.maximum.reduceat(slacks, starts), self.k)
        for first, end in self._item_blocks():
            keys = self._keys(queries, starts, first, end)
            own = np.flatnonzero((places >= first) & (places < end))
            keys[own, places[own] - first] = np.inf  # an item never lists itself
            near.offer(keys, first)
            if near.pairs > _MOST_PAIRS and len(places) > 1:
                return None
        return near.found()

    def _keys(self, queries: Floats, starts: Numbers, first: int, end: int) -> Floats:
        """float32[items, items]: the least key of each query item's rows to each item's rows."""
        begin = self.items.starts[first : end + 1] - self.items.starts[first]
        if not self._is_tame:  # rounding may be any: all are compared exactly
            return np.zeros((len(starts), end - first), np.float32)
        rows: Numbers | slice = slice(int(self.items.starts[first]), int(self.items.starts[end]))
        if not self.items.is_plain:
            rows = self.items.order[rows]
        is_euclidean = self.source.distance == "euclidean"
        squares = self._squares[rows] if is_euclidean else self._squares
        keys = RowKeys(self.source.asked(rows), squares, self.source.distance).to(queries)
        if len(begin) - 1 < keys.shape[1]:
            keys = np.minimum.reduceat(keys, begin[:-1], axis=1)
        if len(starts) < len(queries):
            if is_euclidean:  # left out otherwise: it is one number for all keys of a query
                keys += (norms(queries) ** 2).astype(np.float32)[:, np.newaxis]
            keys = np.minimum.reduceat(keys, starts, axis=0)
        return keys

    def _item_blocks(self) -> Iterator[tuple[int, int]]:
        """Places from and to, of about as many rows each; the first block is a small one."""
        starts, first, size = self.items.starts, 0, max(_FIRST_ROWS, 4 * self.k)
        while first < len(self.items.items):
            end = int(np.searchsorted(starts, starts[first] + size, side="right")) - 1
            end = min(max(end, first + 1), len(self.items.items))
            yield first, end
            first, size = end, _ROWS

    @cached_property
    def _squares(self) -> Floats:
        if self.source.distance != "euclidean":
            return np.empty(0, np.float32)
        return (self._norms**2).astype(np.float32)

    def _lengths(self) -> NDArray[np.float64]:
        step = max(1, _NORM_FLOATS // max(1, self.source.stored.shape[1]))
        starts = range(0, len(self.owners), step)
        parts = [norms(self.source.asked(slice(start, start + step))) for start in starts]
        return np.concatenate(parts or [np.empty(0)])


class _Near:
    """Of each query of a block, the items whose key may still be among the k lowest."""

    def __init__(self, slacks: Floats, k: int) -> None:
        self._slacks = slacks
        self._k = k
        self._limits = np.full(len(slacks), np.inf, np.float32)
        self._queries = np.empty(0, np.int64)
        self._places = np.empty(0, np.int64)
        self._keys = np.empty(0, np.float32)
        self._checked = 0

    @property
    def pairs(self) -> int:
        return len(self._keys)

    def offer(self, keys: Floats, first: int) -> None:
        """Keys float32[q, b] of the items from place `first` on; +inf is none."""
        if not np.isfinite(self._limits).any() and keys.shape[1] > self._k:
            kth = np.partition(keys, self._k - 1, axis=1)[:, self._k - 1]
            self._limits = self._with_slack(kth)
        queries, others = np.nonzero((keys <= self._limits[:, np.newaxis]) & (keys < np.inf))
        self._queries = np.concatenate([self._queries, queries])
        self._places = np.concatenate([self._places, others + first])
        self._keys = np.concatenate([self._keys, keys[queries, others]])
        if self.pairs > max(self._checked, 4 * self._k * len(self._limits)):
            self._tighten()
            self._checked = 2 * self.pairs

    def found(self) -> tuple[Numbers, Numbers]:
        """Queries' numbers, ascending, and places."""
        self._tighten()
        return self._queries, self._places

    def _tighten(self) -> None:
        """Put the pairs in the order of queries, without those past the k-th key of theirs."""
        order = np.argsort(self._queries.astype(np.uint16), kind="stable")  # a radix sort
        queries, keys = self._queries[order], self._keys[order]
        counts = np.bincount(queries, minlength=len(self._limits))
        most = int(counts.max(initial=0))
        if most >= self._k:
            starts = np.repeat(np.cumsum(counts) - counts, counts)
            table = np.full((len(self._limits), most), np.inf, np.float32)
            table[queries, np.arange(len(queries)) - starts] = keys
            kth = np.partition(table, self._k - 1, axis=1)[:, self._k - 1]
            self._limits = np.minimum(self._limits, self._with_slack(kth))
        kept = keys <= self._limits[queries]
        self._queries, self._keys = queries[kept], keys[kept]
        self._places = self._places[order][kept]

    def _with_slack(self, keys: Floats) -> Floats:
        limits: Floats = np.nextafter(keys + self._slacks, np.float32(np.inf))
        return limits


def padded(lists: Iterable[tuple[Numbers, Floats]], count: int, k: int) -> tuple[Numbers, Floats]:
    """Lists of at most k as rows int64[count, k] and distances float32[count, k]."""
    rows = np.full((count, k), NONE, np.int64)
    distances = np.full((count, k), np.inf, np.float32)
    for q, (mine, away) in enumerate(lists):
        rows[q, : len(mine)] = mine
        distances[q, : len(away)] = away
    return rows, distances


def order_by_id(distances: Floats, owners: Numbers, k: int, id_of: IdOf) -> Numbers:
    """The first k of items ascending by distance, with those at one distance by their ids.

    Args:
        distances: float32[n], ascending.
        owners: int64[n], the items' keys.
        k: how many.
        id_of: an item's id by its key.
    """
    end = min(k, len(distances))
    if end == 0:
        return np.empty(0, np.int64)
    end = int(np.searchsorted(distances, distances[end - 1], side="right"))  # ties of the last
    order = np.arange(end)
    tied = np.flatnonzero(distances[1:end] == distances[: end - 1])
    if len(tied):
        together = np.union1d(tied, tied + 1)
        keys = owners[together].tolist()
        pairs = zip(distances[together].tolist(), (id_of(key) or "" for key in keys), strict=True)
        ranked = sorted(zip(pairs, together.tolist(), strict=True))
        order[together] = [place for _, place in ranked]
    return order[:k]
