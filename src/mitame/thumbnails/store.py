"""Small pictures that are kept beside the collection, by the content that they were made of.

``thumbnails.sqlite3`` has thumbnails that were asked for, which can be made anew;
``copies.sqlite3`` has small copies of pictures whose files don't lie here: of uploads, and of
those at addresses elsewhere.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mitame.errors import MitameError
from mitame.storage.sqlite_file import SqliteFile

MAX_BYTES = 512 << 20
"""Of a collection that are kept, some 50,000 of the usual size; the oldest go."""
_OVERHEAD = 150
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
        """The thumbnail of a name; None where there is none."""
        with suppress(MitameError), self._file.read() as connection:
            if connection is not None:
                sql = "SELECT data FROM thumbnails WHERE name = ?"
                row = connection.execute(sql, (name,)).fetchone()
                if row is not None and isinstance(row[0], bytes):
                    return row[0]
        return None

    def keep(self, name: str, data: bytes) -> None:
        """Keep one; the oldest go where room is short."""
        if not self._max_bytes:
            return
        with suppress(MitameError), self._file.write() as connection:
            # A row's number is where it ends if all ever kept lay one after the other: so those
            # that are too old are found without adding up sizes.
            last = connection.execute("SELECT coalesce(max(ends), 0) FROM thumbnails").fetchone()[0]
            end = last + len(data) + _OVERHEAD
            sql = "INSERT OR IGNORE INTO thumbnails VALUES (?, ?, ?)"
            connection.execute(sql, (end, name, data))
            connection.execute("DELETE FROM thumbnails WHERE ends <= ?", (end - self._max_bytes,))

    def lacks(self, name: str) -> bool:
        """Whether one of this name is wanted: any are kept, and it is not there."""
        return bool(self._max_bytes) and self.find(name) is None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
