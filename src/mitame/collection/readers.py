"""Connections to the database for reading, kept while nobody uses them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from mitame.collection.database import connect, reading

_IDLE = 8


class Readers:
    """Read transactions on one collection. Thread-safe.

    Args:
        path: its directory.
        busy_seconds: how long to wait where the database is locked.
    """

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection in a read transaction, which its first query begins."""
        process = os.getpid()
        connection = self._begin()
        try:
            yield connection
        finally:
            if process == os.getpid():
                self._give_back(connection)
            else:  # begun before a fork: closing it here would meddle with the parent's locks
                _left_by_parent.append(connection)

    def close(self) -> None:
        """Close all that are idle; those in use are closed when they are given back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _begin(self) -> sqlite3.Connection:
        with reading(self._path):
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = connect(self._path, busy_seconds=self._busy_seconds)
            connection.execute("BEGIN")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error), self._lock:
            connection.execute("ROLLBACK")
            if not self._is_closed and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()


_left_by_parent: list[sqlite3.Connection] = []
