"""Events about answers, durable before they are acknowledged, and each of them once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mitame.collection.paths import FEEDBACK
from mitame.feedback.events import Event, StoredEvent
from mitame.feedback.question import AskedQuestion
from mitame.feedback.recent import read_question
from mitame.storage.sqlite_file import SqliteFile

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


ANSWER_OF = "~"
"""Between the id of a question and what tells one of its answers from the others."""
_ASKED = "INSERT OR IGNORE INTO asked VALUES (?, ?, ?, ?)"
_WITHOUT = (
    "SELECT DISTINCT e.query_id, j.value FROM json_each(:ids) j CROSS JOIN events e"
    " ON e.query_id >= j.value AND e.query_id < j.value || :of || :of"
    " WHERE substr(e.query_id, length(j.value) + 1, 1) IN ('', :of)"
    " AND NOT EXISTS (SELECT 1 FROM asked a WHERE a.query_id = e.query_id)"
)
_OLDEST = """
DELETE FROM asked WHERE query_id IN (SELECT query_id FROM events WHERE sequence <= :last)
    AND NOT EXISTS (
        SELECT 1 FROM events e WHERE e.query_id = asked.query_id AND e.sequence > :last
    );
DELETE FROM events WHERE sequence <= :last
"""
MAX_BYTES = 1_000_000_000
"""Of events and their questions that are kept: some millions of events."""
_SHARE = 500
"""Where there is no room, one in so many events goes at a time."""


class FeedbackStore:
    """The feedback of a collection. Safe from several threads and processes.

    Args:
        path: the collection's directory.
        max_bytes: of the file's pages in use; beyond, the oldest events leave.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._file = SqliteFile(path / FEEDBACK, _TABLES, durable=True)
        self._max_bytes = max_bytes

    def add(
        self, query_id: str, events: Sequence[Event], question: AskedQuestion | None = None
    ) -> int:
        """Store events about an answer; those that are stored already are passed over.

        They are on the disk when this returns. The oldest ones leave where room is short.

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
            sql = "SELECT coalesce(max(sequence), 0) FROM events"
            newest_before = int(connection.execute(sql).fetchone()[0])
            before = connection.total_changes
            for each in events:
                connection.execute(_INSERT, _row(query_id, each, now))
            added = connection.total_changes - before
            if question is not None:
                connection.execute(_ASKED, (query_id, *question.stored()))
            self._make_room(connection, newest_before)
        return added

    def bind(self, asked: Sequence[tuple[str, AskedQuestion]]) -> None:
        """Keep those of some questions that events came about before they were known.

        Args:
            asked: query ids with their questions, which are those of all answers whose ids begin
                with the id and `ANSWER_OF`, too.

        Raises:
            CollectionBusy, StorageError, CorruptCollection: they can't be.
        """
        ids = json.dumps([query_id for query_id, _ in asked])
        with self._file.read() as connection:
            found = (
                ()
                if connection is None
                else connection.execute(_WITHOUT, {"ids": ids, "of": ANSWER_OF}).fetchall()
            )
        if not found:
            return
        questions = dict(asked)
        rows = [(query_id, *questions[known].stored()) for query_id, known in found]
        with self._file.write() as connection:
            connection.executemany(_ASKED, rows)

    def _make_room(self, connection: sqlite3.Connection, newest: int) -> None:
        """Let the oldest events up to a sequence number leave until the bound holds."""
        while _bytes(connection) > self._max_bytes:
            first = connection.execute("SELECT min(sequence) FROM events").fetchone()[0]
            if first is None or first > newest:
                return  # what was just stored stays, however small the bound
            last = min(newest, first + (newest - first) // _SHARE)
            for statement in _OLDEST.split(";"):
                connection.execute(statement, {"last": last})

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


def _bytes(connection: sqlite3.Connection) -> int:
    """Of pages in use; those that nothing is in any more are used again."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


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
