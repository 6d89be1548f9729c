"""What can be asked of a moment without looking at a vector: items, images, sources."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from mitame.collection.database import reading
from mitame.collection.item import Item, ItemImage, check_id
from mitame.collection.lens import Lens
from mitame.collection.lens_table import LensTable, StoredLens
from mitame.collection.moment import Moment
from mitame.collection.ready import encode_source, is_text
from mitame.collection.records import (
    MissingImage,
    Row,
    SourceRecord,
    image_of,
    missing_image,
    source_record,
)
from mitame.collection.tags import item_tag

_PAGE = 500
_MISSING = (
    "FROM items t CROSS JOIN images i ON i.item = t.key WHERE NOT EXISTS (SELECT 1 FROM vectors v"
    " WHERE v.item = i.item AND v.ordinal = i.ordinal AND v.lens = ?)"
)
_T = TypeVar("_T")


class Listing(Moment):
    """The items of a collection at one moment."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, position: int, table: LensTable
    ) -> None:
        super().__init__(path, connection, position)
        self._table = table

    @property
    def lenses(self) -> Mapping[str, Lens]:
        """The lenses of this moment by name, the default one first."""
        return self._table.lenses

    @property
    def table(self) -> LensTable:
        """The lenses with what the package knows of them."""
        return self._table

    @property
    def stored(self) -> Mapping[str, StoredLens]:
        """The lenses with their keys, by name."""
        return self._table.stored

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
        return next(iter(self.hydrated(rows)), None)

    def tag(self, item_id: str) -> str | None:
        """What is other after every change of the item (see `Expect`); None where there is none."""
        with reading(self._path):
            key = self.keys([check_id(item_id)]).get(item_id)
            return None if key is None else item_tag(self._open, key)

    def is_untouched(self, item_id: str, since: int) -> bool:
        """Whether an item is there that has not changed after a position, as far as is known."""
        rows = self.select(
            "SELECT 1 FROM items t, state s WHERE t.id = ? AND s.journal_from <= ? AND NOT EXISTS"
            " (SELECT 1 FROM journal j WHERE j.position > ? AND j.item = t.key)",
            *(check_id(item_id), since, since),
        )
        return bool(rows)

    def item_pages(self, after: str) -> Iterator[list[Row]]:
        """Rows of key, id, category and attributes past an id, by id."""
        sql = "SELECT key, id, category, attributes FROM items WHERE id > ? ORDER BY id LIMIT ?"
        while page := self.select(sql, after, _PAGE):
            yield page
            after = page[-1][1]

    def changed_ids(self, since: int, most: int) -> list[str] | None:
        """Ids of the items that were added or changed after a position, sorted.

        Args:
            since: the position.
            most: of them.

        Returns:
            None where there are more, or the journal does not reach back so far.
        """
        if self.select("SELECT 1 FROM state WHERE journal_from > ?", since):
            return None
        rows = self.select(
            "SELECT id FROM items WHERE key IN (SELECT item FROM journal WHERE position > ?)"
            " ORDER BY id LIMIT ?",
            *(since, most + 1),
        )
        return None if len(rows) > most else [row[0] for row in rows]

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
            yield from map(source_record, page)
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
        return [source_record(row) for row in rows]

    def missing(
        self, lens: str, after: tuple[str, int] | None = None, limit: int = _PAGE
    ) -> list[MissingImage]:
        """Images that have no vector of a lens, by item id, then in the item's order.

        Args:
            lens: which.
            after: id and ordinal of the last one of the page before.
            limit: at most so many.

        Raises:
            UnknownLens: no such lens.
        """
        key = self._table.find(lens).key
        item_id, ordinal = after or ("", -1)
        rows = self.select(
            f"SELECT t.id, i.ordinal, i.source, i.content_hash {_MISSING}"
            " AND t.id >= ? AND (t.id > ? OR i.ordinal > ?) ORDER BY t.id, i.ordinal LIMIT ?",
            *(key, item_id, item_id, ordinal, limit),
        )
        return [missing_image(row) for row in rows]

    def count_missing(self, lens: str) -> int:
        """How many images have no vector of a lens.

        Raises:
            UnknownLens: no such lens.
        """
        return int(self.select(f"SELECT count(*) {_MISSING}", self._table.find(lens).key)[0][0])

    def keys(self, ids: Sequence[str]) -> dict[str, int]:
        """The items' keys, as in `owner_of`; ids that don't exist are left out."""
        found: dict[str, int] = {}
        for part in pages(ids):
            sql = "SELECT id, key FROM items WHERE id IN (SELECT value FROM json_each(?))"
            found.update(self.select(sql, json.dumps(part)))
        return found

    def hydrated(self, rows: Sequence[Row]) -> list[Item]:
        """Items of rows of key, id, category and attributes."""
        sql = (
            "SELECT * FROM images WHERE item IN (SELECT value FROM json_each(?))"
            " ORDER BY item, ordinal"
        )
        with reading(self._path):
            images: dict[int, list[ItemImage]] = {row[0]: [] for row in rows}
            for part in pages(list(images)):
                for row in self.select(sql, json.dumps(part)):
                    images[row[0]].append(image_of(row))
            return [
                Item(item_id, category, json.loads(attributes), tuple(images[key]))
                for key, item_id, category, attributes in rows
            ]


def _past(prefix: bytes) -> bytes:
    """Less than nothing that begins with the prefix, but more than all that does."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b"\xff" * 8


def pages(values: Sequence[_T]) -> Iterator[list[_T]]:
    """The values, some hundreds at a time, as many as one query takes."""
    return (list(values[start : start + _PAGE]) for start in range(0, len(values), _PAGE))
