"""A consistent moment of a collection: what a reader sees from `Store.pin` on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base_index import BaseIndex
from mitame.collection.columns import Columns
from mitame.collection.database import reading
from mitame.collection.item import Item, check_id
from mitame.collection.lens_table import LensTable
from mitame.collection.listing import Listing, pages
from mitame.collection.map_part import StoredMap
from mitame.collection.neighbor_lists import CurrentLists, ItemList
from mitame.collection.neighbor_table import TableFacts, facts_of
from mitame.collection.records import Row, RowRecord, row_record
from mitame.collection.rows import LensRows
from mitame.collection.served import Served
from mitame.engines.protocol import Searchable
from mitame.errors import CorruptCollection, UnknownLens
from mitame.filters import Filter
from mitame.timing import timed


class View(Listing):
    """A collection at one journal position; nobody's write changes it. One thread at a time.

    Rows of a lens are numbered from 0: those of the served snapshot, then those of the delta,
    dead ones too. The numbers are this view's own: after a merge, others mean the same vectors.

    Its methods raise CorruptCollection or StorageError where the files can't be read, and
    UsageError once the view has been given back.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        position: int,
        table: LensTable,
        served: Served,
    ) -> None:
        super().__init__(path, connection, position, table)
        self._served = served
        self._rows: dict[str, LensRows] = {}
        self._columns: Columns | None = None

    @property
    def generation(self) -> int:
        """Number of the snapshot that answers, with the delta on top; 0 for none."""
        return self._served.generation

    def count(self, where: Filter | None = None) -> int:
        """How many items there are, or pass."""
        if where is None:
            return int(self.select("SELECT count(*) FROM items")[0][0])
        return int(np.count_nonzero(self._match(where)))

    def vectors(self, item_id: str, lens: str) -> NDArray[np.float32]:
        """An item's vectors, float32[n, dimension], in its images' order; n may be 0.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        found = self.select(
            "SELECT v.row FROM items t CROSS JOIN vectors v INDEXED BY vectors_by_image"
            " ON v.item = t.key WHERE t.id = ? AND v.lens = ? ORDER BY v.ordinal",
            check_id(item_id),
            self._table.find(lens).key,
        )
        with reading(self._path):
            return rows.vectors_of(rows.from_log(_numbers(found)))

    def items(
        self, where: Filter | None = None, *, after: str | None = None, limit: int | None = None
    ) -> Iterator[Item]:
        """Items that pass, by id, without their vectors.

        Args:
            where: all where left out.
            after: begin past this id.
            limit: at most so many.
        """
        mask = None if where is None else self._match(where)
        left = limit
        for page in self.item_pages("" if after is None else check_id(after)):
            rows = page if mask is None else [row for row in page if mask[row[0]]]
            yield from self.hydrated(rows[:left])
            left = None if left is None else left - len(rows[:left])
            if left == 0:
                return

    def index(self, lens: str, *, exact: bool = False) -> Searchable:
        """An index that answers the live rows of a lens, or those of them that `allow` gives.

        Args:
            lens: its name.
            exact: look at every row, whichever engine was chosen.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        with reading(self._path):
            return rows.exact_index if exact else rows.index

    def base_index(self, lens: str) -> BaseIndex:
        """The index over the snapshot's rows alone, dead ones too, and what is known of it.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        with reading(self._path):
            return rows.base.index

    def live(self, lens: str) -> int:
        """How many rows of a lens are live.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        return rows.count - rows.dead

    @timed("table")
    def listed(
        self, lens: str, keys: Sequence[int], limit: int, where: Filter | None = None
    ) -> list[ItemList | None]:
        """What the neighbour table knows of items, without a search.

        Args:
            lens: its name.
            keys: the items', as in `owner_of`.
            limit: how many neighbours are wanted.
            where: only neighbours that pass.

        Returns:
            For each item its nearest, at least `limit` or all there are; None where the table
            does not know them, or is damaged: search then.

        Raises:
            UnknownLens: no such lens.
        """
        unknown: list[ItemList | None] = [None] * len(keys)
        rows = self.lens_rows(lens)
        with reading(self._path):
            stored = rows.base.neighbors
            if stored is None:
                return unknown
            memory, entry = self._served.memory, self._table.stored[lens]
            changes = memory.changes(entry, rows, self._open)
            lists = CurrentLists(stored, changes, near_rows=memory.near_rows(entry))
            passes = None if where is None else partial(self.columns(where.keys).match, where)
            try:
                return lists.find(np.array(keys, np.int64), limit, passes)
            except CorruptCollection:
                return unknown

    def table_facts(self, lens: str) -> TableFacts | None:
        """What the neighbour table of a lens says of itself; None before there is a snapshot.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        with reading(self._path):
            return None if rows.base.stored is None else facts_of(rows.base.stored)

    def layout(self, lens: str) -> StoredMap | None:
        """Where the snapshot's items lie on a plane.

        None where there is no such map, or the delta has more rows than the snapshot: what is
        known is about too few of the items then.

        Raises:
            UnknownLens: no such lens.
        """
        rows = self.lens_rows(lens)
        with reading(self._path):
            return rows.base.map if rows.count <= 2 * rows.base.count else None

    def owner_of(self, lens: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[n], the key of the item of each of rows int64[n]; -1 where the row is dead."""
        with reading(self._path):
            return self.lens_rows(lens).owner_of(rows)

    def vectors_at(self, lens: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[n, dimension] of rows int64[n] of a lens, a copy.

        Raises:
            UnknownLens: no such lens.
        """
        found = self.lens_rows(lens)
        with reading(self._path):
            return found.vectors_of(rows)

    def rows_of(self, lens: str, keys: Sequence[int]) -> NDArray[np.int64]:
        """int64[n], the live rows of the items with these keys, in no order."""
        found: list[Row] = []
        for part in pages(keys):
            sql = (
                "SELECT row FROM vectors INDEXED BY vectors_by_image"
                " WHERE item IN (SELECT value FROM json_each(?)) AND lens = ?"
            )
            found += self.select(sql, json.dumps(part), self._table.find(lens).key)
        with reading(self._path):
            return self.lens_rows(lens).from_log(_numbers(found))

    def owners(self, lens: str) -> NDArray[np.int64]:
        """int64[rows], as `owner_of` all rows: copied, so `owner_of` is for queries; read-only."""
        with reading(self._path):
            return self.lens_rows(lens).all_owners()

    def allow(self, lens: str, where: Filter | None = None) -> NDArray[np.bool_] | None:
        """bool[rows] of the live rows whose items pass; None where that is all rows."""
        rows = self.lens_rows(lens)
        if where is None:
            return rows.live
        match = self._match(where)
        with reading(self._path):
            return rows.matching(match)

    @timed("hydrate")
    def records(self, lens: str, rows: Sequence[int]) -> list[RowRecord]:
        """What live rows of a lens belong to, in the order asked."""
        with reading(self._path):
            in_log = self.lens_rows(lens).to_log(np.array(rows, np.int64)).tolist()
            found = self.rows_in_log(lens, in_log)
            return [row_record(row, found[n]) for row, n in zip(rows, in_log, strict=True)]

    def rows_in_log(self, lens: str, rows: Sequence[int]) -> dict[int, Row]:
        """Live rows of a lens's log with their item and image, for this package."""
        key = self._table.find(lens).key
        sql = (
            "SELECT v.row, t.id, t.category, t.attributes, i.* FROM vectors v"
            " JOIN items t ON t.key = v.item"
            " JOIN images i ON i.item = v.item AND i.ordinal = v.ordinal"
            " WHERE v.lens = ? AND v.row IN (SELECT value FROM json_each(?))"
        )
        found: dict[int, Row] = {}
        for part in pages(rows):
            found.update((row[0], row[1:]) for row in self.select(sql, key, json.dumps(part)))
        return found

    def columns(self, names: frozenset[str]) -> Columns:
        """Columns with at least these names, for filters and snapshots."""
        if self._columns is None or not names <= self._columns.by_name.keys():
            with reading(self._path):
                memory = self._served.memory
                self._columns = memory.columns(names, self._position, self._open)
        return self._columns

    def lens_rows(self, name: str) -> LensRows:
        """The rows of a lens, for this package."""
        if name not in self._table.stored:
            raise UnknownLens(f"collection {self._path.name!r} has no lens {name!r}")
        if name not in self._rows:
            with reading(self._path):
                entry, memory = self._table.stored[name], self._served.memory
                self._rows[name] = memory.rows(entry, self._position, self._open)
        return self._rows[name]

    @property
    def served(self) -> Served:
        """The generation that answers, for this package."""
        return self._served

    def _match(self, where: Filter) -> NDArray[np.bool_]:
        return self.columns(where.keys).match(where)


def _numbers(rows: Sequence[Row]) -> NDArray[np.int64]:
    return np.array([row for (row,) in rows], np.int64)
