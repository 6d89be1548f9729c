"""What the processes of a data directory share beside collections: keys, jobs, answered requests.

One SQLite file, ``.serving/state.sqlite3``, in WAL mode and synced at each commit. Losing it loses
keys and the memory of jobs, never an item.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from mitame.errors import NewerFormat, StorageError
from mitame.storage.sqlite import transaction, translated

FOLDER = ".serving"
FORMAT = 1
_TABLES = """
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    role INTEGER NOT NULL,
    collections TEXT,
    created INTEGER NOT NULL
);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    collection TEXT,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    done REAL NOT NULL DEFAULT 0,
    total REAL,
    message TEXT,
    result TEXT,
    error TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    started REAL,
    updated REAL NOT NULL,
    ended REAL
);
CREATE INDEX jobs_by_state ON jobs (state, created);
CREATE TABLE answered (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER,
    headers TEXT,
    body BLOB,
    at REAL NOT NULL,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;
"""


class _Held:
    """A thread's connection, which is closed when the thread ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class State:
    """The open file. Safe from several threads, each of which has its own connection.

    Args:
        data: directory that holds the collections.

    Raises:
        StorageError: it can't be opened or made.
        NewerFormat: a later mitame has written it.
    """

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._own = threading.local()
        self._all: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._lock = threading.Lock()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self._folder} can't be made: {error.strerror}") from error
        with self.write() as connection:
            self._prepare(connection)

    @property
    def folder(self) -> Path:
        """Where the file lies; others may put theirs beside it."""
        return self._folder

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that may write: committed at the end, or not at all.

        Raises:
            CollectionBusy, StorageError: it can't be.
        """
        with self._translated():
            connection = self._connection()
            with transaction(connection, writes=True):
                yield connection

    def read(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of a query.

        Raises:
            StorageError: it can't be read.
        """
        with self._translated():
            return self._connection().execute(sql, values).fetchall()

    def version(self) -> int:
        """A number that changes when another connection has written; costs microseconds."""
        with self._translated():
            found: int = self._connection().execute("PRAGMA data_version").fetchone()[0]
            return found

    def close(self) -> None:
        """Close all connections; doing it twice does nothing."""
        with self._lock:
            for held in list(self._all):
                held.connection.close()

    def _connection(self) -> sqlite3.Connection:
        held: _Held | None = getattr(self._own, "held", None)
        if held is None:
            path = self._folder / "state.sqlite3"
            connection = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            path.chmod(0o600)
            held = self._own.held = _Held(connection)
            with self._lock:
                self._all.add(held)
        return held.connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            raise NewerFormat(f"{self._folder} was written by a later mitame")
        if found == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self._folder, damaged=StorageError)
