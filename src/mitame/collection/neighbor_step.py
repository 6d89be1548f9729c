"""The step of a merge that makes the neighbour table.

What the table of the older snapshot knows still is taken over; the lists that it doesn't know are
made by comparing the item with all others. So the merge after a few changes costs little.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base_index import BaseIndex
from mitame.collection.derived import Derivation
from mitame.collection.indexing import built_index
from mitame.collection.neighbor_exact import ExactLists, IdOf, order_by_id
from mitame.collection.neighbor_index import IndexLists, drawn, sampled
from mitame.collection.neighbor_older import EXACT_UP_TO, older_lists
from mitame.collection.neighbor_rows import StoredRows
from mitame.collection.neighbor_table import (
    ABOUT,
    DEFAULT_K,
    ITEMS,
    KIND,
    LISTS,
    NONE,
    TableFacts,
    facts_of,
    read_facts,
    stored_facts,
    stored_lists,
)
from mitame.errors import CorruptCollection

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

_BLOCK = 4_096


def build_table(derivation: Derivation) -> None:
    """Make and write the neighbour table of a lens, or say that there is to be none.

    Raises:
        StorageError: the disk is full or read-only.
    """
    k = wanted_k(derivation)
    parts = derivation.parts(KIND)
    there = parts.read()
    with suppress(CorruptCollection):
        made = read_facts(there)
        if made is not None and made.k == k and not made.note:
            return
    del there  # mapped, and about to be removed
    parts.drop()
    index = _engine_index(derivation) if k else None
    note = _why_not(derivation, index) if k else ""
    if k == 0 or note:
        parts.write({ABOUT: stored_facts(TableFacts(k, note=note))})
        return
    making = _Making(derivation, k, index)
    parts.write_blocks(LISTS, "int32", (making.count, 2 * k), making.blocks())
    parts.write({ITEMS: making.items, ABOUT: stored_facts(making.facts())})


def wanted_k(derivation: Derivation) -> int:
    """How many neighbours the table is to have: as was said now, or for the older snapshot."""
    if derivation.neighbors is not None:
        return derivation.neighbors
    before = derivation.base.stored
    facts = None if before is None else facts_of(before)
    return DEFAULT_K if facts is None else facts.k


def _engine_index(derivation: Derivation) -> BaseIndex | None:
    """The index to find lists with; None where all are compared with all."""
    if len(derivation.plan.rows) <= EXACT_UP_TO:
        return None
    index = built_index(derivation)
    return None if index.is_exact else index


def _why_not(derivation: Derivation, index: BaseIndex | None) -> str:
    rows = len(derivation.plan.rows)
    if rows > np.iinfo(np.int32).max:
        return "there are more rows than a table can number"
    if rows <= EXACT_UP_TO or index is not None:
        return ""
    if derivation.neighbors:  # it was asked for by name: it may take its time
        return ""
    return (
        f"{rows:,} rows are too many to be compared with each other, and there is no index;"
        " choose an engine with mitame tune, or insist with mitame merge --neighbors"
    )


class _Making:
    """The lists of one snapshot, block by block."""

    def __init__(self, derivation: Derivation, k: int, index: BaseIndex | None) -> None:
        self._derivation = derivation
        self._k = k
        self._started = time.perf_counter()
        plan = derivation.plan
        self._source = StoredRows(derivation.vectors(), plan.spec.distance)
        ids = derivation.builder.ids()
        self._id_of: IdOf = ids.__getitem__
        self._exact = ExactLists(self._source, plan.owners, self._id_of, k)
        self._items = self._exact.items
        self._sampled = drawn(len(self._items.items))
        self._kept: list[Floats] = []
        self._renewed = 0
        self._older = older_lists(derivation, self._exact)
        self._by_index = None if index is None else IndexLists(index, self._exact)

    @property
    def count(self) -> int:
        return len(self._items.items)

    @property
    def items(self) -> NDArray[np.int32]:
        return self._items.items.astype(np.int32)

    def blocks(self) -> Iterator[NDArray[np.int32]]:
        """The lists as they are stored, int32[b, 2 k]."""
        for start in range(0, self.count, _BLOCK):
            places = np.arange(start, min(start + _BLOCK, self.count))
            rows, distances = self._lists(places)
            here = self._sampled[(self._sampled >= start) & (self._sampled < start + _BLOCK)]
            self._kept.append(distances[here - start])
            yield stored_lists(rows, distances)
            self._derivation.on_share((places[-1] + 1) / self.count)

    def facts(self) -> TableFacts:
        """About all of them, once they are made."""
        recall, sample = 1.0, 0
        if not self._is_exact:
            recall = sampled(np.concatenate(self._kept), self._exact, self._sampled)
            sample = len(self._sampled)
        seconds = round(time.perf_counter() - self._started, 3)
        return TableFacts(self._k, self._is_exact, round(recall, 4), sample, self._renewed, seconds)

    @property
    def _is_exact(self) -> bool:
        return self._by_index is None and (self._older is None or self._older.exact)

    def _lists(self, places: Numbers) -> tuple[Numbers, Floats]:
        rows = np.full((len(places), self._k), NONE, np.int64)
        distances = np.full((len(places), self._k), np.inf, np.float32)
        missing = np.flatnonzero(~self._taken_over(places, rows, distances))
        self._renewed += len(missing)
        finder = self._exact if self._by_index is None else self._by_index
        done = 0
        for new_rows, new_distances in finder.blocks(places[missing]):
            here = missing[done : done + len(new_rows)]
            rows[here], distances[here] = new_rows, new_distances
            done += len(new_rows)
        return rows, distances

    def _taken_over(self, places: Numbers, rows: Numbers, distances: Floats) -> NDArray[np.bool_]:
        """Fill in what the older table knows; bool[places] of those."""
        known = np.zeros(len(places), np.bool_)
        if self._older is None:
            return known
        for q, each in enumerate(self._older.find(self._items.items[places], self._k)):
            if each is not None:
                order = order_by_id(each.distances, each.owners, self._k, self._id_of)
                rows[q, : len(order)] = each.rows[order]
                distances[q, : len(order)] = each.distances[order]
                known[q] = True
        return known
