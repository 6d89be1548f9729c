"""Thumbnails that nobody has asked for yet, in a table of their own beside those that were.

They take only room that is free, and are the first to leave where room is short: what was made in
vain must not drive out what was asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

OVERHEAD = 150
"""Bytes that a small picture takes besides itself."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS unseen (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " size INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS unseen_sizes ON unseen (size)",
)


def are_any(connection: sqlite3.Connection) -> bool:
    """Whether the file has the table: stores of earlier builds, and those of copies, have none."""
    sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unseen'"
    return connection.execute(sql).fetchone() is not None


def found(connection: sqlite3.Connection, name: str) -> bytes | None:
    """The one of this name."""
    if not are_any(connection):
        return None
    row = connection.execute("SELECT data FROM unseen WHERE name = ?", (name,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def taken(connection: sqlite3.Connection) -> int:
    """Bytes that they take, by an index alone."""
    if not are_any(connection):
        return 0
    return int(connection.execute("SELECT coalesce(sum(size), 0) FROM unseen").fetchone()[0])


def put(connection: sqlite3.Connection, rows: Sequence[tuple[str, bytes]], room: int) -> bool:
    """Put in what there is room for; false where some found none.

    Args:
        connection: in a transaction that writes.
        rows: names and files.
        room: bytes that are free.
    """
    for statement in _TABLES:
        connection.execute(statement)
    for name, data in rows:
        size = len(data) + OVERHEAD
        if size > room:
            return False
        sql = "INSERT OR IGNORE INTO unseen (name, size, data) VALUES (?, ?, ?)"
        room -= size * connection.execute(sql, (name, size, data)).rowcount
    return True


def forget(connection: sqlite3.Connection, name: str) -> None:
    """Take one out: it has been seen."""
    if are_any(connection):
        connection.execute("DELETE FROM unseen WHERE name = ?", (name,))


def make_room(connection: sqlite3.Connection, missing: int) -> None:
    """Let go of so many bytes, the last that were made first, as a reader begins at the first."""
    if missing <= 0 or not are_any(connection):
        return
    gone = 0
    for number, size in connection.execute("SELECT number, size FROM unseen ORDER BY number DESC"):
        connection.execute("DELETE FROM unseen WHERE number = ?", (number,))
        gone += size
        if gone >= missing:
            return
