"""Events about answers, durable before they are acknowledged, and each of them once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mitame.collection.paths import FEEDBACK
from mitame.feedback.events import Event, StoredEvent
from mitame.feedback.file import SqliteFile
from mitame.feedback.question import AskedQuestion
from mitame.feedback.recent import read_question

_TABLES = """
CREATE TABLE asked (
    query_id TEXT PRIMARY KEY,
    question TEXT NOT NULL,
    vectors BLOB,
    count INTEGER NOT NULL
);
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    query_id TEXT NOT NULL,
    identity TEXT NOT NULL,
    type TEXT NOT NULL,
    item TEXT NOT NULL,
    rank INTEGER,
    value TEXT,
    at INTEGER,
    event_id TEXT,
    received INTEGER NOT NULL,
    UNIQUE (query_id, identity)
)
"""
_INSERT = (
    "INSERT OR IGNORE INTO events (query_id, identity, type, item, rank, value, at, event_id,"
    " received) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT sequence, e.query_id, type, item, rank, value, at, event_id, received, question,"
    " {vectors}, count FROM events e LEFT JOIN asked a ON a.query_id = e.query_id"
    " WHERE sequence > ? ORDER BY sequence LIMIT ?"
)


class FeedbackStore:
    """The feedback of a collection. Safe from several threads and processes.

    Args:
        path: the collection's directory.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path / FEEDBACK, _TABLES, durable=True)

    def add(
        self, query_id: str, events: Sequence[Event], question: AskedQuestion | None = None
    ) -> int:
        """Store events about an answer; those that are stored already are passed over.

        They are on the disk when this returns.

        Args:
            query_id: of the answer.
            events: what happened.
            question: what was asked, where that is known.

        Returns:
            How many were new.

        Raises:
            CollectionBusy, StorageError, CorruptCollection: none of them was stored.
        """
        now = time.time_ns() // 1_000
        with self._file.write() as connection:
            before = connection.total_changes
            for each in events:
                connection.execute(_INSERT, _row(query_id, each, now))
            added = connection.total_changes - before
            if question is not None:
                connection.execute(
                    "INSERT OR IGNORE INTO asked VALUES (?, ?, ?, ?)",
                    (query_id, *question.stored()),
                )
        return added

    def events(
        self, after: int = 0, limit: int = 1_000, *, vectors: bool = False
    ) -> list[StoredEvent]:
        """Events in the order in which they were stored.

        Args:
            after: begin past this sequence number.
            limit: at most so many.
            vectors: read those of the questions, too.

        Raises:
            CollectionBusy, StorageError, CorruptCollection: they can't be read.
        """
        sql = _SELECT.format(vectors="vectors" if vectors else "NULL")
        with self._file.read() as connection:
            if connection is None:
                return []
            rows = connection.execute(sql, (after, limit)).fetchall()
        return [_stored(row) for row in rows]

    def count(self) -> int:
        """How many events there are."""
        with self._file.read() as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _row(query_id: str, event: Event, now: int) -> tuple[Any, ...]:
    what = (event.type, event.item, event.rank, event.value, event.at, event.event_id)
    return (query_id, event.identity, *what, now)


def _stored(row: tuple[Any, ...]) -> StoredEvent:
    sequence, query_id, *what, event_id, received, question, vectors, count = row
    kind, item, rank, value, at = what
    asked = None if question is None else read_question((question, vectors, count))
    return StoredEvent(
        sequence, query_id, Event(kind, item, rank, value, at, event_id), received, asked
    )
