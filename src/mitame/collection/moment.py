"""One read transaction of the database: everything that is asked through it is of one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mitame.collection.database import reading
from mitame.collection.paths import DATABASE
from mitame.collection.records import Row
from mitame.errors import UsageError

_FETCHED = 2_000


class Moment:
    """A connection in a read transaction, until it is given back. One thread at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, position: int) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = connection
        self._position = position

    @property
    def path(self) -> Path:
        """The collection's directory."""
        return self._path

    @property
    def position(self) -> int:
        """Of the journal: how many changes have been made up to this moment."""
        return self._position

    def end(self) -> None:
        """Called by the store when the view is given back."""
        self._connection = None

    def select(self, sql: str, *values: object) -> list[Row]:
        """Rows of a query at this moment; the tables are this package's own affair."""
        with reading(self._path):
            return self._open.execute(sql, values).fetchall()

    def each(self, sql: str, *values: object) -> Iterator[Row]:
        """As `select`, but one after another, for many."""
        with reading(self._path):
            cursor = self._open.execute(sql, values)
        while True:
            with reading(self._path):
                page = cursor.fetchmany(_FETCHED)
            if not page:
                return
            yield from page

    def copy_database(self, directory: Path) -> None:
        """Write the whole database as it is at this moment to a new file, durably."""
        with reading(self._path):
            target = sqlite3.connect(directory / DATABASE)
            try:
                target.execute("PRAGMA synchronous = FULL")
                self._open.backup(target)  # within this transaction, so of this moment
            finally:
                target.close()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise UsageError("this view has ended", remedy="use it within its with block")
        return self._connection
