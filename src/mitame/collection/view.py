"""A consistent moment of a collection: what a reader sees from `Store.pin` on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitame.collection.changes import decode_source, encode_source, is_text
from mitame.collection.columns import Columns
from mitame.collection.database import reading
from mitame.collection.item import Attribute, Item, ItemImage, check_id
from mitame.collection.lens import Lens
from mitame.collection.rows import LensRows
from mitame.engines.protocol import Index
from mitame.errors import UnknownLens, UsageError
from mitame.filters import Filter

_PAGE = 500
_T = TypeVar("_T")
Row: TypeAlias = tuple[Any, ...]


class Memory(Protocol):
    """What the views of one store share: arrays brought forward by following the journal."""

    def rows(self, name: str, position: int, connection: sqlite3.Connection) -> LensRows:
        """A lens's rows at the position that the connection sees."""
        ...

    def columns(
        self, names: frozenset[str], position: int, connection: sqlite3.Connection
    ) -> Columns:
        """Columns of these names at the position that the connection sees."""
        ...


@dataclass(frozen=True)
class SourceRecord:
    """One image of an item with where it came from; fields as in `ItemImage`."""

    id: str
    source: str | None
    size: int | None
    modified_ns: int | None
    content_hash: str | None


@dataclass(frozen=True)
class RowRecord:
    """A row of a lens with the item and image that it belongs to (without vectors)."""

    row: int
    id: str
    category: str | None
    attributes: Mapping[str, Attribute]
    image: ItemImage


class View:
    """A collection at one journal position; nobody's write changes it. One thread at a time.

    Its methods raise CorruptCollection or StorageError where the files can't be read, and
    UsageError once the view has been given back.
    """

    def __init__(
        self,
        path: Path,
        lenses: Mapping[str, Lens],
        memory: Memory,
        connection: sqlite3.Connection,
        position: int,
    ) -> None:
        self._path = path
        self._lenses = lenses
        self._memory = memory
        self._connection: sqlite3.Connection | None = connection
        self._position = position
        self._rows: dict[str, LensRows] = {}
        self._columns: Columns | None = None

    @property
    def position(self) -> int:
        """Of the journal: how many changes have been made up to this moment."""
        return self._position

    @property
    def lenses(self) -> Mapping[str, Lens]:
        """The collection's lenses by name, in the order they were made."""
        return self._lenses

    def end(self) -> None:
        """Called by the store when the view is given back."""
        self._connection = None

    def count(self, where: Filter | None = None) -> int:
        """How many items there are, or pass."""
        if where is None:
            return int(self.select("SELECT count(*) FROM items")[0][0])
        return int(np.count_nonzero(self._match(where)))

    def categories(self) -> dict[str | None, int]:
        """How many items each category has."""
        rows = self.select(
            "SELECT category, count(*) FROM items GROUP BY category ORDER BY category"
        )
        return dict(rows)

    def get(self, item_id: str) -> Item | None:
        """An item with its images, their vectors left out; None where there is none."""
        rows = self.select(
            "SELECT key, id, category, attributes FROM items WHERE id = ?", check_id(item_id)
        )
        return next(iter(self._hydrated(rows)), None)

    def vectors(self, item_id: str, lens: str) -> NDArray[np.float32]:
        """An item's vectors, float32[n, dimension], in its images' order; n may be 0.

        Raises:
            UnknownLens: no such lens.
        """
        found = self.select(
            "SELECT v.row FROM vectors v JOIN items t ON t.key = v.item JOIN lenses l"
            " ON l.key = v.lens WHERE t.id = ? AND l.name = ? ORDER BY v.ordinal",
            check_id(item_id),
            lens,
        )
        with reading(self._path):
            return self._lens_rows(lens).vectors[[row for (row,) in found]]

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
        for page in self._item_pages("" if after is None else check_id(after)):
            rows = page if mask is None else [row for row in page if mask[row[0]]]
            yield from self._hydrated(rows[:left])
            left = None if left is None else left - len(rows[:left])
            if left == 0:
                return

    def _item_pages(self, after: str) -> Iterator[list[Row]]:
        sql = "SELECT key, id, category, attributes FROM items WHERE id > ? ORDER BY id LIMIT ?"
        while page := self.select(sql, after, _PAGE):
            yield page
            after = page[-1][1]

    def sources(self, prefix: str = "") -> Iterator[SourceRecord]:
        """Images whose source begins with a prefix, by source."""
        low = encode_source(prefix)
        sql = (
            "SELECT t.id, i.* FROM images i JOIN items t ON t.key = i.item"
            " WHERE (i.source, i.item, i.ordinal) > (?, ?, ?) AND i.source < ?"
            " ORDER BY i.source, i.item, i.ordinal LIMIT ?"
        )
        place: tuple[object, ...] = (low, -1, -1)
        while page := self.select(sql, *place, _past(low), _PAGE):
            yield from map(_source_record, page)
            _, item, ordinal, _, source, *_ = page[-1]
            place = (source, item, ordinal)

    def by_hash(self, content_hash: str) -> list[SourceRecord]:
        """Images with these very bytes, by item id."""
        if not is_text(content_hash):
            return []
        rows = self.select(
            "SELECT t.id, i.* FROM images i JOIN items t ON t.key = i.item"
            " WHERE i.content_hash = ? ORDER BY t.id, i.ordinal",
            content_hash,
        )
        return [_source_record(row) for row in rows]

    def keys(self, ids: Sequence[str]) -> dict[str, int]:
        """The items' keys, as in `owners`; ids that don't exist are left out."""
        found: dict[str, int] = {}
        for part in _pages(ids):
            sql = "SELECT id, key FROM items WHERE id IN (SELECT value FROM json_each(?))"
            found.update(self.select(sql, json.dumps(part)))
        return found

    def index(self, lens: str) -> Index:
        """An index over all rows of a lens; search it with what `allow` gives.

        Raises:
            UnknownLens: no such lens.
        """
        return self._lens_rows(lens).index

    def owners(self, lens: str) -> NDArray[np.int64]:
        """int64[rows], the key of each row's item, -1 where the row is dead; read-only."""
        return self._lens_rows(lens).owners

    def allow(self, lens: str, where: Filter | None = None) -> NDArray[np.bool_] | None:
        """bool[rows] of the live rows whose items pass; None where that is all rows."""
        rows = self._lens_rows(lens)
        if where is None:
            return rows.live
        match = self._match(where)
        with reading(self._path):
            mask = match[rows.owners]  # -1 looks up something, and is masked out next
        if rows.live is not None:
            mask &= rows.live
        return mask

    def records(self, lens: str, rows: Sequence[int]) -> list[RowRecord]:
        """What live rows of a lens belong to, in the order asked."""
        found: dict[int, RowRecord] = {}
        for part in _pages(rows):
            sql = (
                "SELECT v.row, t.id, t.category, t.attributes, i.* FROM vectors v"
                " JOIN items t ON t.key = v.item"
                " JOIN images i ON i.item = v.item AND i.ordinal = v.ordinal"
                " WHERE v.lens = (SELECT key FROM lenses WHERE name = ?)"
                " AND v.row IN (SELECT value FROM json_each(?))"
            )
            with reading(self._path):
                for row in self.select(sql, lens, json.dumps(part)):
                    found[row[0]] = _row_record(row)
        with reading(self._path):
            return [found[row] for row in rows]

    def lens_vectors(self, lens: str) -> NDArray[np.float32]:
        """float32[rows, dimension] of a lens, dead rows too; mapped, read-only."""
        return self._lens_rows(lens).vectors

    def _match(self, where: Filter) -> NDArray[np.bool_]:
        if self._columns is None or not where.keys <= self._columns.by_name.keys():
            with reading(self._path):
                self._columns = self._memory.columns(where.keys, self._position, self._open)
        return self._columns.match(where)

    def _lens_rows(self, name: str) -> LensRows:
        if name not in self._lenses:
            raise UnknownLens(f"collection {self._path.name!r} has no lens {name!r}")
        if name not in self._rows:
            with reading(self._path):
                self._rows[name] = self._memory.rows(name, self._position, self._open)
        return self._rows[name]

    def _hydrated(self, rows: Sequence[Row]) -> list[Item]:
        sql = (
            "SELECT * FROM images WHERE item IN (SELECT value FROM json_each(?))"
            " ORDER BY item, ordinal"
        )
        with reading(self._path):
            images: dict[int, list[ItemImage]] = {row[0]: [] for row in rows}
            for part in _pages(list(images)):
                for row in self.select(sql, json.dumps(part)):
                    images[row[0]].append(_image(row))
            return [
                Item(item_id, category, json.loads(attributes), tuple(images[key]))
                for key, item_id, category, attributes in rows
            ]

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise UsageError("this view has ended", remedy="use it within its with block")
        return self._connection

    def select(self, sql: str, *values: object) -> list[Row]:
        """Rows of a query at this moment; the tables are this package's own affair."""
        with reading(self._path):
            return self._open.execute(sql, values).fetchall()


def _image(row: Row) -> ItemImage:
    """A row of the table of images."""
    _item, _ordinal, content_hash, source, *rest = row
    return ItemImage({}, content_hash, decode_source(source), *rest)


def _source_record(row: Row) -> SourceRecord:
    image = _image(row[1:])
    return SourceRecord(row[0], image.source, image.size, image.modified_ns, image.content_hash)


def _row_record(row: Row) -> RowRecord:
    number, item_id, category, attributes, *image = row
    return RowRecord(number, item_id, category, json.loads(attributes), _image(tuple(image)))


def _past(prefix: bytes) -> bytes:
    """Less than nothing that begins with the prefix, but more than all that does."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\xff" * 8


def _pages(values: Sequence[_T]) -> Iterator[list[_T]]:
    return (list(values[start : start + _PAGE]) for start in range(0, len(values), _PAGE))
