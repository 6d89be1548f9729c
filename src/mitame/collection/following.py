"""What others have done to a collection since one last looked, at the cost of microseconds.

For who keeps answers: which items have changed since an answer was made, and which vectors have
been written. A look is strict: it sees whatever was acknowledged before it began, by any process.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mitame.collection.database import connect, state
from mitame.collection.lens_table import read_lenses
from mitame.collection.log import Log
from mitame.collection.new_rows import NewRows
from mitame.collection.paths import DATABASE, ROOT
from mitame.collection.rows import DEAD
from mitame.collection.sketches import Sketcher
from mitame.collection.wal_index import wal_header
from mitame.errors import CollectionNotFound
from mitame.storage import LocalDirectory

MOST_CHANGED = 200_000
"""Items whose changes are remembered; past it everything is forgotten."""
MOST_AT_ONCE = 4_096
"""Positions, and rows of a lens, that a look goes over; past it everything is forgotten."""
MOST_BYTES = 64 << 20
"""Of sketches of new rows; past it everything is forgotten."""

_PLAIN = frozenset({"put", "remove", "patch"})
"""Operations that replace an item whole, or leave its id and vectors. Others are seldom: one that
gives an item another id orders ties anew, one that attaches vectors replaces some of them."""
_ENTRIES = "SELECT position, operation, item FROM journal WHERE position > ? ORDER BY position"
_Stamp: TypeAlias = tuple[int, ...]


class Following:
    """Looks at one collection. For one thread.

    Attributes:
        position: of the journal, at the last look.
        epoch: grows when nothing of what was known before can be relied on: another generation is
            served, the lenses are others, or changes can't be told item by item.
        began: the position from which `changed` is complete in this epoch.
        changed: for each item that has changed since, by key, the position of its last change.
        moved: the same of those whose vectors were replaced, or that were removed.
        patched: position of the last change of an item that left its vectors; 0 for none.

    Args:
        path: the collection's directory.

    Raises:
        CollectionNotFound, CorruptCollection, NewerFormat, sqlite3.Error: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._database = str(path / DATABASE)
        self._root = str(path / ROOT)
        self._path = path
        self._log = Log(LocalDirectory(path))
        self._connection = connect(path, busy_seconds=1.0)
        self._execute: Callable[[str], sqlite3.Cursor] = self._connection.cursor().execute
        self.epoch = self.position = self.began = 0
        self._file = self._identity()
        self._stamp = self._stamped()
        self._read_version: Callable[[], object] = self._data_version
        self._version: object = self._read_version()
        self._begin_anew()
        header = wal_header(path / DATABASE)
        if header is not None:
            self._read_version = header  # another one than before, so the next look follows

    def look(self) -> int:
        """The position now; the attributes are brought up to it.

        Raises:
            CollectionNotFound, OSError, sqlite3.Error: it is gone, or can't be read.
        """
        stamp = self._stamped()
        if stamp != self._stamp:
            if self._identity() != self._file:
                raise CollectionNotFound(f"another collection is at {self._path} now")
            self._stamp = stamp
            self._version = self._read_version()
            self._begin_anew()
            return self.position
        version = self._read_version()
        if version != self._version:
            self._version = version
            self._follow()
        return self.position

    def rows_of(self, lens: str) -> NewRows | None:
        """The rows that have been written to a lens since `follow_lens`; None before it."""
        return self._rows.get(lens)

    def follow_lens(self, lens: str, sketcher: Sketcher, first: int, most: int) -> None:
        """Follow what is written to a lens, where there is one.

        Args:
            lens: its name.
            sketcher: how its rows are to be compared.
            first: the row of its log to begin with, ...
            most: where no more rows than that are there already; else what is written from now on.
        """
        stored = self._lenses.stored.get(lens)
        if stored is None or stored.lens.spec.dimension != sketcher.dimension:
            return
        end = self._log_rows[stored.key]
        start = first if 0 <= end - first <= most else end
        rows = NewRows(stored.key, stored.log, self._log, sketcher, start)
        with self._reading():
            if state(self._connection)[0] != self.position:
                return  # somebody has written since the last look: another time
            self._follow_rows(rows)
        self._rows[lens] = rows

    def begin_at(self, position: int) -> bool:
        """Know what has changed since an earlier position, too; False where that can't be told."""
        if position >= self.began:
            return True
        with self._reading():
            now, _, journal_from = state(self._connection)
            if journal_from > position or now != self.position:
                return False
            found = self._connection.execute(_ENTRIES, (position,)).fetchall()
        if len(found) > MOST_CHANGED or any(operation not in _PLAIN for _, operation, _ in found):
            return False
        for entry in found:
            self._note(*entry)
        self.began = position
        return True

    def key_of(self, item_id: str) -> int | None:
        """The key of the item with an id, at this position or later; None where there is none."""
        found = self._connection.execute("SELECT key FROM items WHERE id = ?", (item_id,))
        row = found.fetchone()
        return None if row is None else int(row[0])

    def items(self, keys: Sequence[int]) -> list[tuple[int, str, str | None, str]]:
        """Key, id, category and attributes as JSON of items, in no order; those that are there.

        They are of this position, or of a later one: look again to know.
        """
        sql = (
            "SELECT key, id, category, attributes FROM items"
            " WHERE key IN (SELECT value FROM json_each(?))"
        )
        return self._connection.execute(sql, (json.dumps(keys),)).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _identity(self) -> tuple[int, int]:
        found = os.stat(self._database)  # noqa: PTH116 - as above
        return found.st_dev, found.st_ino

    def _stamped(self) -> _Stamp:
        """Another one where another generation is served, or another collection is there.

        The manifest is replaced by a rename, so its new file has another number or time. A
        collection that is dropped takes its manifest along.
        """
        try:
            found = os.stat(self._root)  # noqa: PTH116 - half the time of Path.stat
        except FileNotFoundError:
            return self._identity()
        return found.st_ino, found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_dev

    def _data_version(self) -> int:
        found: int = self._execute("PRAGMA data_version").fetchone()[0]
        return found

    def _begin_anew(self) -> None:
        self.epoch += 1
        with self._reading():
            self.position, self._lenses_changed, _ = state(self._connection)
            self._lenses = read_lenses(self._connection, self._path)
            self._log_rows = self._read_log_rows()
        self.began = self.position
        self.changed: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self.patched = 0
        self._rows: dict[str, NewRows] = {}

    def _follow(self) -> None:
        with self._reading():
            position, lenses_changed, journal_from = state(self._connection)
            is_whole = journal_from <= self.position and lenses_changed == self._lenses_changed
            is_whole = is_whole and position - self.position <= MOST_AT_ONCE
            is_whole = is_whole and self._follow_journal()
            if is_whole:
                self._log_rows = self._read_log_rows()
                is_whole = self._follow_all_rows()
        self.position = position
        size = sum(rows.bytes for rows in self._rows.values())
        if not is_whole or len(self.changed) > MOST_CHANGED or size > MOST_BYTES:
            self._begin_anew()

    def _follow_journal(self) -> bool:
        """Note what has changed; False where that can't be told item by item."""
        for at, operation, item in self._connection.execute(_ENTRIES, (self.position,)):
            if operation not in _PLAIN:
                return False
            self._note(at, operation, item)
        return True

    def _note(self, at: int, operation: str, item: int) -> None:
        self.changed[item] = at
        if operation == "patch":
            self.patched = at
        else:
            self.moved[item] = at

    def _follow_all_rows(self) -> bool:
        followed = self._rows.values()
        if any(self._log_rows[rows.key] - rows.end > MOST_AT_ONCE for rows in followed):
            return False
        for rows in followed:
            self._follow_rows(rows)
        return True

    def _follow_rows(self, rows: NewRows) -> None:
        sql = "SELECT row FROM dead_rows WHERE position > ? AND lens = ?"
        dead = self._connection.execute(sql, (self.position, rows.key)).fetchall()
        if dead:
            rows.kill(np.array([row for (row,) in dead], np.int64))
        start, end = rows.end, self._log_rows[rows.key]
        if start == end:
            return
        owners = np.full(end - start, DEAD, np.int64)
        sql = "SELECT row, item FROM vectors WHERE lens = ? AND row >= ?"
        for row, item in self._connection.execute(sql, (rows.key, start)):
            owners[row - start] = item
        rows.extend(owners)

    def _read_log_rows(self) -> dict[int, int]:
        return dict(self._connection.execute("SELECT key, log_rows FROM lenses"))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._execute("BEGIN")
        try:
            yield
        finally:
            self._execute("ROLLBACK")
