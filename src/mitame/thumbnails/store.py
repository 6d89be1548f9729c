"""Small pictures that are kept beside the collection, by the content that they were made of.

``thumbnails.sqlite3`` has thumbnails, which can be made anew; ``copies.sqlite3`` has small copies
of pictures whose files don't lie here: of uploads, and of those at addresses elsewhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from mitame.errors import MitameError
from mitame.storage.ring import drop_oldest, last_end
from mitame.storage.sqlite_file import SqliteFile
from mitame.thumbnails import unseen

MAX_BYTES = 512_000_000
"""Of a collection that are kept, some 50,000 of the usual size; the oldest go."""
_TABLES = """
CREATE TABLE thumbnails (ends INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB NOT NULL)
"""


class ThumbnailStore:
    """Small pictures of a collection. Safe from several threads and processes.

    Whatever is wrong with the file, there is nothing in it then.

    Args:
        path: of the file.
        max_bytes: that are kept; the oldest go. 0 keeps none.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._file = SqliteFile(path, _TABLES, durable=False)
        self._max_bytes = max_bytes

    def find(self, name: str) -> bytes | None:
        """The thumbnail of a name; None where there is none. From now on it counts as asked for."""
        with suppress(MitameError):
            with self._file.read() as connection:
                if connection is None:
                    return None
                data = _asked_for(connection, name)
                if data is not None:
                    return data
                data = unseen.found(connection, name)
            if data is not None:
                self.keep(name, data)
            return data
        return None

    def keep(self, name: str, data: bytes) -> None:
        """Keep one; where room is short, those that nobody asked for go, then the oldest."""
        if not self._max_bytes:
            return
        with suppress(MitameError), self._file.write() as connection:
            end = last_end(connection, "thumbnails") + len(data) + unseen.OVERHEAD
            sql = "INSERT OR IGNORE INTO thumbnails VALUES (?, ?, ?)"
            connection.execute(sql, (end, name, data))
            drop_oldest(connection, "thumbnails", self._max_bytes)
            unseen.forget(connection, name)
            unseen.make_room(connection, -self._room(connection))

    def keep_unseen(self, rows: Sequence[tuple[str, bytes]]) -> bool:
        """Keep some that nobody has asked for, where there is room; nothing goes for them.

        Returns:
            There was room for all of them.
        """
        with suppress(MitameError), self._file.write() as connection:
            new = [row for row in rows if _asked_for(connection, row[0]) is None]
            return unseen.put(connection, new, self._room(connection))
        return False

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are not here, asked for or not."""
        with suppress(MitameError), self._file.read() as connection:
            if connection is None:
                return list(names)
            tables = ["thumbnails", *(["unseen"] if unseen.are_any(connection) else [])]
            return [name for name in names if not _is_in(connection, tables, name)]
        return []

    def has_room(self, size: int) -> bool:
        """Whether so many bytes that nobody asked for would be kept."""
        with suppress(MitameError), self._file.read() as connection:
            if connection is None:
                return size <= self._max_bytes
            return size <= self._room(connection)
        return False

    def lacks(self, name: str) -> bool:
        """Whether one of this name is wanted: any are kept, and it is not there."""
        return bool(self._max_bytes) and self.find(name) is None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _room(self, connection: sqlite3.Connection) -> int:
        """Bytes that are free, of those that may be kept; below 0 where there are too many."""
        sql = "SELECT ends, length(data) FROM thumbnails ORDER BY ends LIMIT 1"
        first = connection.execute(sql).fetchone()
        if first is None:
            return self._max_bytes - unseen.taken(connection)
        end = connection.execute("SELECT max(ends) FROM thumbnails").fetchone()[0]
        asked_for = end - (first[0] - first[1] - unseen.OVERHEAD)
        return int(self._max_bytes - asked_for - unseen.taken(connection))


def _asked_for(connection: sqlite3.Connection, name: str) -> bytes | None:
    row = connection.execute("SELECT data FROM thumbnails WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def _is_in(connection: sqlite3.Connection, tables: Sequence[str], name: str) -> bool:
    # S608: the names of the tables are those above
    sql = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE name = :name" for table in tables)  # noqa: S608
    return connection.execute(sql, {"name": name}).fetchone() is not None
