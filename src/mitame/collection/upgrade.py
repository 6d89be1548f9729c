"""From format 1 to the present one: one transaction of the database, and no other file.

Format 1 kept all vectors of a lens in one file and knew no snapshots. That file stays where it
is and becomes the beginning of the lens's log. The columns that said how many rows count have
another name now, so that an older mitame that has the collection open fails instead of writing
over rows.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mitame.collection.database import FORMAT, LENSES, STATE, connect_any

_COPY = """
INSERT INTO lenses
    SELECT key, key, name, spec, fingerprint, dimension, rows,
        CASE WHEN rows > 0 THEN file END, rows FROM old_lenses
"""
_STEPS = (
    "ALTER TABLE lenses RENAME TO old_lenses",
    LENSES,
    _COPY,
    "DROP TABLE old_lenses",
    "ALTER TABLE journal ADD COLUMN at INTEGER",
    *STATE.split(";"),
    f"PRAGMA user_version = {FORMAT}",
)


def upgrade(path: Path, busy_seconds: float) -> None:
    """Bring the collection in a directory to the present format; does nothing where it is.

    Raises:
        sqlite3.Error, CollectionNotFound, CorruptCollection, NewerFormat: as `connect`.
    """
    connection = connect_any(path, busy_seconds)
    try:
        if _version(connection) < FORMAT:
            _upgrade(connection)
    finally:
        connection.close()


def _upgrade(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA legacy_alter_table = ON")  # other tables go on to say "lenses"
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) < FORMAT:  # nobody else was quicker
        for statement in _STEPS:
            connection.execute(statement)
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
