"""SQLite files: what a transaction is, and what errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mitame.errors import CollectionBusy, CorruptCollection, MitameError, StorageError

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_STORAGE = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_TOOBIG,
    }
)


@contextmanager
def transaction(connection: sqlite3.Connection, *, writes: bool) -> Iterator[None]:
    """A with block that happens wholly or, with an exception, not at all.

    Args:
        connection: without a transaction of its own (``isolation_level=None``).
        writes: take the write lock at once; otherwise it reads, all of it at one moment.
    """
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
        if writes:
            connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def translated(
    file: Path | str,
    *,
    damaged: type[MitameError] = CorruptCollection,
    remedy: str | None = None,
) -> Iterator[None]:
    """Turns errors of SQLite into ours.

    Args:
        file: as messages name it.
        damaged: what it is called when the file is not as it should be.
        remedy: what to do then.
    """
    try:
        yield
    except sqlite3.Error as error:
        # Without the details of the code; an error of Python's own module has none at all.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        text = f"{file}: {error}"
        if code in _BUSY:
            raise CollectionBusy(text) from error
        if code == sqlite3.SQLITE_READONLY:
            advice = "make the disk writable, or copy the collection to one that is"
            raise StorageError(text, remedy=advice) from error
        raise (StorageError(text) if code in _STORAGE else damaged(text, remedy=remedy)) from error
