"""One durable write: changes of many batches in one transaction of the database.

The order makes it safe at every instant: rows of the database are written but not committed;
then the vectors go to the lenses' logs, past the last committed row, and are synced; then the
commit makes both count at once. A crash before it leaves bytes past the last committed row,
which the next write goes over.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.collection.appended import Appended
from mitame.collection.changes import ANY, Expect, Keep, Relocate, Remove
from mitame.collection.lens_table import LensTable, read_lenses
from mitame.collection.log import LogWriter
from mitame.collection.ready import Ready, ReadyAttach, ReadyPatch, ReadyPut, encode_source
from mitame.collection.tags import item_tag
from mitame.errors import (
    ItemExists,
    ItemNotFound,
    MitameError,
    PreconditionFailed,
    UsageError,
)

_WHERE_IT_ENDED = (
    "SELECT lenses_changed, (SELECT seq FROM sqlite_sequence WHERE name = 'items'),"
    " (SELECT seq FROM sqlite_sequence WHERE name = 'journal'), lenses.key, log_rows"
    " FROM state LEFT JOIN lenses ON TRUE"
)


class Transaction:
    """Applies changes under the database's write lock, from `begin` to `commit` or `rollback`.

    Few statements: each makes Python's threads take turns, at either end of it.
    """

    def __init__(self, connection: sqlite3.Connection, log: LogWriter) -> None:
        self._connection = connection
        self._log = log
        self._lenses: dict[str, int] = {}
        self._next_item = 0
        self._position = 0
        self._put_last: tuple[str, int] | None = None
        self._now = 0
        self._appended: dict[int, Appended] = {}

    def begin(self, known: LensTable, path: Path) -> LensTable:
        """Take the write lock and learn where the last write ended.

        Args:
            known: the lenses as far as they are known.
            path: the collection's directory.

        Returns:
            The lenses as they are now.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        rows = self._connection.execute(_WHERE_IT_ENDED).fetchall()
        changed, last_item, position, *_ = rows[0]
        table = known if changed == known.changed else read_lenses(self._connection, path)
        self._next_item, self._position = (last_item or 0) + 1, position or 0
        self._now = int(time.time())
        committed = {key: log_rows for *_, key, log_rows in rows}
        self._lenses = table.keys
        self._appended = {key: Appended(committed[key]) for key in self._lenses.values()}
        return table

    def apply(self, batch: Sequence[Ready], *, alone: bool = False) -> int:
        """Apply a batch wholly or, with an exception, not at all; the journal position after it.

        Args:
            batch: the changes, in order.
            alone: no other one is applied: then, with an exception, roll back what it has done.

        Raises:
            ItemNotFound, ItemExists, PreconditionFailed, UsageError: the batch does not fit what
                is there.
        """
        if alone:
            for change in batch:
                self._change(change)
            return self._position
        counts, before = {key: part.count for key, part in self._appended.items()}, self._position
        self._connection.execute("SAVEPOINT batch")
        try:
            for change in batch:
                self._change(change)
        except MitameError:  # any other ends the whole transaction: SQLite may have done so already
            self._connection.execute("ROLLBACK TO batch")
            for key, count in counts.items():
                self._appended[key].cut(count)
            self._position, self._put_last = before, None
            raise
        self._connection.execute("RELEASE batch")
        return self._position

    def tag(self, item_id: str) -> str | None:
        """An item's tag as it is now; None where there is none of this id."""
        last = self._put_last
        key = last[1] if last is not None and last[0] == item_id else self._find(item_id)
        return None if key is None else item_tag(self._connection, key)

    def commit(self, table: LensTable) -> None:
        """Sync the new vectors, then commit."""
        appended = [
            (entry.log, self._appended[entry.key])
            for entry in table.stored.values()
            if self._appended[entry.key].count
        ]
        for layout, part in appended:
            written = self._log.write(layout, part.first, part.stacked())
            rows = [(layout.key, *each) for each in written]
            self._connection.executemany("INSERT INTO appends VALUES (?, ?, ?, ?)", rows)
            self._connection.execute(
                "UPDATE lenses SET log_rows = ? WHERE key = ?",
                (part.first + part.count, layout.key),
            )
        for layout, _ in appended:
            self._log.sync(layout)
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Give everything up; does nothing where SQLite has done so already."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _change(self, change: Ready) -> None:
        if isinstance(change, ReadyPut):
            self._put(change)
        elif isinstance(change, ReadyPatch):
            self._patch(change)
        elif isinstance(change, Relocate):
            self._relocate(change)
        elif isinstance(change, ReadyAttach):
            self._attach(change)
        elif isinstance(change, Expect):
            self._expect(change)
        else:
            self._remove(change)

    def _put(self, put: ReadyPut) -> None:
        item = self._find(put.id)
        if item is None:
            item = self._next_item
            self._next_item += 1
            self._connection.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?)",
                (item, put.id, put.category, put.attributes),
            )
        elif put.create_only:
            raise ItemExists(f"item {put.id!r} exists already")
        else:
            self._drop_images(item)
            self._connection.execute(
                "UPDATE items SET category = ?, attributes = ? WHERE key = ?",
                (put.category, put.attributes, item),
            )
        self._add_images(item, put)
        self._note("put", item)
        self._put_last = put.id, item

    def _add_images(self, item: int, put: ReadyPut) -> None:
        for ordinal, image in enumerate(put.images):
            self._connection.execute(
                "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (item, ordinal, *image.row),
            )
            for name, vector in image.vectors.items():
                self._add_vector((item, ordinal, self._lenses[name]), vector)

    def _drop_images(self, item: int) -> None:
        """Delete an item's images; its rows die at the position that is logged next."""
        self._connection.execute(
            "INSERT INTO dead_rows SELECT ?, lens, row FROM vectors WHERE item = ?",
            (self._position + 1, item),
        )
        self._connection.execute("DELETE FROM vectors WHERE item = ?", (item,))
        self._connection.execute("DELETE FROM images WHERE item = ?", (item,))

    def _patch(self, patch: ReadyPatch) -> None:
        item = self._found(patch.id)
        if not isinstance(patch.category, Keep):
            self._connection.execute(
                "UPDATE items SET category = ? WHERE key = ?", (patch.category, item)
            )
        if not isinstance(patch.attributes, Keep):
            self._connection.execute(
                "UPDATE items SET attributes = ? WHERE key = ?", (patch.attributes, item)
            )
        self._note("patch", item)

    def _remove(self, change: Remove) -> None:
        item = self._found(change.id)
        self._drop_images(item)
        self._connection.execute("DELETE FROM items WHERE key = ?", (item,))
        self._note("remove", item)

    def _expect(self, expected: Expect) -> None:
        item = self._find(expected.id)
        tags = set() if item is None else {ANY, item_tag(self._connection, item)}
        if expected.one_of is not None and not tags & expected.one_of:
            what = "is not there" if item is None else "has been changed meanwhile"
            raise PreconditionFailed(f"item {expected.id!r} {what}")
        if tags & expected.none_of:
            raise PreconditionFailed(
                f"item {expected.id!r} is there already",
                remedy="choose another id, or send no If-None-Match to replace it",
            )

    def _relocate(self, change: Relocate) -> None:
        item = self._found(change.id)
        if change.new_id != change.id:
            if self._find(change.new_id) is not None:
                raise ItemExists(f"item {change.new_id!r} exists already")
            self._connection.execute("UPDATE items SET id = ? WHERE key = ?", (change.new_id, item))
        ordinal = self._images_meant(item, change.id, change.content_hash)[0]
        self._connection.execute(
            "UPDATE images SET source = ?, size = ?, modified_ns = ?"
            " WHERE item = ? AND ordinal = ?",
            (encode_source(change.source), change.size, change.modified_ns, item, ordinal),
        )
        self._note("relocate", item)

    def _attach(self, change: ReadyAttach) -> None:
        item = self._found(change.id)
        at = self._position + 1
        for ordinal in self._images_meant(item, change.id, change.content_hash):
            for name, vector in change.vectors.items():
                place = (item, ordinal, self._lenses[name])
                self._connection.execute(
                    "INSERT INTO dead_rows SELECT ?, lens, row FROM vectors"
                    " WHERE item = ? AND ordinal = ? AND lens = ?",
                    (at, *place),
                )
                self._connection.execute(
                    "DELETE FROM vectors WHERE item = ? AND ordinal = ? AND lens = ?", place
                )
                self._add_vector(place, vector)
        self._note("attach", item)

    def _add_vector(self, place: tuple[int, int, int], vector: NDArray[np.float32]) -> None:
        item, ordinal, lens = place
        row = self._appended[lens].add(vector)
        self._connection.execute(
            "INSERT INTO vectors VALUES (?, ?, ?, ?)", (lens, row, item, ordinal)
        )

    def _images_meant(self, item: int, item_id: str, content_hash: str | None) -> list[int]:
        """Ordinals of the images with these bytes; at least one."""
        found = self._connection.execute(
            "SELECT ordinal, content_hash FROM images WHERE item = ? ORDER BY ordinal", (item,)
        ).fetchall()
        if content_hash is None and len(found) == 1:
            return [found[0][0]]
        meant = [ordinal for ordinal, its in found if its is not None and its == content_hash]
        if not meant:
            raise UsageError(
                f"item {item_id!r} has no one image that is meant",
                remedy="give the content hash of one of its images",
            )
        return meant

    def _note(self, operation: str, item: int) -> None:
        self._put_last = None
        done = self._connection.execute(
            "INSERT INTO journal (operation, item, at) VALUES (?, ?, ?)",
            (operation, item, self._now),
        )
        assert done.lastrowid is not None
        self._position = done.lastrowid

    def _find(self, item_id: str) -> int | None:
        row = self._one("SELECT key FROM items WHERE id = ?", item_id)
        return None if row is None else row[0]

    def _found(self, item_id: str) -> int:
        item = self._find(item_id)
        if item is None:
            raise ItemNotFound(f"no item {item_id!r}")
        return item

    def _one(self, sql: str, *values: object) -> tuple[int, ...] | None:
        row: tuple[int, ...] | None = self._connection.execute(sql, values).fetchone()
        return row
