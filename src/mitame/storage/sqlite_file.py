"""An SQLite file beside a collection, for one kind of thing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from mitame.errors import NewerFormat
from mitame.storage.local import LocalDirectory
from mitame.storage.sqlite import transaction, translated

FORMAT = 1
_BUSY_SECONDS = 10.0


class SqliteFile:
    """The open file. Safe from several threads and processes; made when first written to.

    Args:
        path: of the file; its directory must be there.
        tables: statements that make its tables.
        durable: a commit is on the disk when it returns; otherwise a power cut may lose the
            last ones, and the file stays whole.
    """

    def __init__(self, path: Path, tables: str, *, durable: bool) -> None:
        self._path = path
        self._tables = tables
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that may write: committed at the end, or not at all.

        Raises:
            CollectionBusy, StorageError, CorruptCollection, NewerFormat: it can't be.
        """
        with self._lock, self._translated():
            connection = self._opened()
            with transaction(connection, writes=True):
                yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection | None]:
        """A transaction that reads; None where there is no file.

        Raises:
            CollectionBusy, StorageError, CorruptCollection, NewerFormat: it can't be.
        """
        with self._lock, self._translated():
            if self._connection is None and not self._path.is_file():
                yield None
                return
            connection = self._opened()
            with transaction(connection, writes=False):
                yield connection

    def close(self) -> None:
        """Let go of the file; it is opened again where it is used again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            is_new = not self._path.exists()
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
                if is_new:
                    LocalDirectory(self._path.parent).sync()
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        if _format(connection) == 0:
            with transaction(connection, writes=True):
                if _format(connection) == 0:  # nobody else was quicker
                    for statement in self._tables.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {FORMAT}")
        if _format(connection) > FORMAT:
            raise NewerFormat(f"{self._path} was written by a later mitame")

    def _translated(self) -> AbstractContextManager[None]:
        return translated(
            self._path,
            remedy="move it away, or restore it from a backup; items are not touched by it",
        )


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
