"""What somebody has decided about near-copies: that items are the same, or that they are not.

A decision is about a set of items. It holds for every group of near-copies whose items are all in
the set: also when one of them has been removed, or passes no filter. A group that has grown is
undecided again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mitame.collection.changes import ANY
from mitame.collection.item import check_id
from mitame.collection.paths import DECISIONS
from mitame.errors import CorruptCollection, DecisionNotFound, PreconditionFailed, UsageError
from mitame.feedback.decided import Decided, Decision, Verdict
from mitame.storage.sqlite_file import SqliteFile

VERDICTS: tuple[Verdict, ...] = ("same", "different")
MAX_IDS = 1_000
"""Of a decision."""
MAX_DECISIONS = 100_000
MAX_ALL_IDS = 1_000_000
"""Of all decisions of a collection: they are held in memory."""
_TABLES = """
CREATE TABLE decisions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL,
    ids TEXT NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL
)
"""
_SELECT = "SELECT sequence, id, value, ids, at FROM decisions "


class DecisionStore:
    """The decisions of a collection: on the disk before they are acknowledged.

    Safe from several threads and processes. Its methods raise CollectionBusy, StorageError or
    CorruptCollection where the file can't be read or written.

    Args:
        path: the collection's directory.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path / DECISIONS, _TABLES, durable=True)
        self._lock = threading.Lock()
        self._kept: tuple[int, Decided] = (0, Decided())

    def decide(
        self,
        ids: Iterable[str],
        value: Verdict,
        *,
        one_of: frozenset[str] | None = None,
        none_of: frozenset[str] = frozenset(),
    ) -> Decision:
        """Decide, or decide otherwise; the same again changes nothing.

        Args:
            ids: of 2 to 1,000 items.
            value: ``same`` or ``different``.
            one_of: tags, one of which what was decided about just these items must have; ``*``
                stands for any.
            none_of: tags that it must not have; ``*``: nothing was decided yet.

        Raises:
            UsageError, InvalidId: it can't be decided.
            PreconditionFailed: something else was decided meanwhile.
        """
        found = _checked(ids)
        if value not in VERDICTS:
            raise UsageError(f"a decision can't be {value!r}", remedy="use same or different")
        name = id_of(found)
        with self._file.write() as connection:
            before = _find(connection, name)
            _check(before, one_of, none_of)
            if before is not None and before.value == value:
                return before
            connection.execute("DELETE FROM decisions WHERE id = ?", (name,))
            _check_room(connection, len(found))
            now = time.time_ns() // 1_000
            sql = "INSERT INTO decisions (id, value, ids, size, at) VALUES (?, ?, ?, ?, ?)"
            row = (name, value, json.dumps(found), len(found), now)
            sequence = connection.execute(sql, row).lastrowid
        assert sequence is not None
        return Decision(name, value, found, now, sequence)

    def get(self, name: str) -> Decision:
        """The decision of an id.

        Raises:
            DecisionNotFound: there is none.
        """
        with self._file.read() as connection:
            found = None if connection is None else _find(connection, name)
        if found is None:
            raise DecisionNotFound(f"no decision {name[:80]!r}")
        return found

    def withdraw(self, name: str, *, one_of: frozenset[str] | None = None) -> None:
        """Decide nothing about its items any more.

        Args:
            name: the decision's id.
            one_of: tags, one of which it must have.

        Raises:
            DecisionNotFound: there is none.
            PreconditionFailed: it is another by now.
        """
        self.get(name)
        with self._file.write() as connection:
            before = _find(connection, name)
            _check(before, one_of, frozenset())
            if before is None:  # somebody else was quicker
                raise DecisionNotFound(f"no decision {name[:80]!r}")
            connection.execute("DELETE FROM decisions WHERE id = ?", (name,))
            # A number that only grows tells others that something has changed.
            connection.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'decisions'")

    def decisions(self, after: int = 0, limit: int = 1_000) -> list[Decision]:
        """Decisions in the order in which they were made.

        Args:
            after: begin past this sequence number.
            limit: at most so many.
        """
        sql = _SELECT + "WHERE sequence > ? ORDER BY sequence LIMIT ?"
        with self._file.read() as connection:
            if connection is None:
                return []
            return [_decision(row) for row in connection.execute(sql, (after, limit))]

    def decided(self) -> Decided:
        """All of them, as they are now: what has come is read, and all where some have gone."""
        with self._file.read() as connection:
            if connection is None:
                return Decided()
            row = connection.execute("SELECT seq FROM sqlite_sequence").fetchone()
            last = 0 if row is None else int(row[0])
            with self._lock:
                kept = self._kept
            if kept[0] == last:
                return kept[1]
            # An older file may have been put back.
            found = _joined(connection, *(kept if kept[0] < last else (0, Decided())))
        with self._lock:
            if last > self._kept[0]:
                self._kept = (last, found)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def id_of(ids: Sequence[str]) -> str:
    """The id of the decision about items: 32 hex digits of the SHA-256 of their ids, sorted."""
    text = json.dumps(sorted(ids), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _checked(ids: Iterable[str]) -> tuple[str, ...]:
    found = tuple(sorted({check_id(each) for each in ids}))
    if not 2 <= len(found) <= MAX_IDS:
        raise UsageError(
            f"a decision can't be about {len(found)} items", remedy=f"name 2 to {MAX_IDS:,}"
        )
    return found


def _check(before: Decision | None, one_of: frozenset[str] | None, none_of: frozenset[str]) -> None:
    tags = set() if before is None else {before.tag, ANY}
    if (one_of is not None and not one_of & tags) or none_of & tags:
        now = "nothing" if before is None else f"{before.value!r}"
        raise PreconditionFailed(
            f"{now} is decided about these items by now", remedy="look at it, then decide again"
        )


def _joined(connection: sqlite3.Connection, last: int, known: Decided) -> Decided:
    """What is decided now, of what was known when the last sequence number was this."""
    if last:
        found = known.joined(_rows_since(connection, last))
        if connection.execute("SELECT count(*) FROM decisions").fetchone()[0] == found.count:
            return found
    return Decided(_rows_since(connection, 0))


def _rows_since(connection: sqlite3.Connection, last: int) -> list[Decision]:
    sql = _SELECT + "WHERE sequence > ? ORDER BY sequence"
    return [_decision(row) for row in connection.execute(sql, (last,))]


def _check_room(connection: sqlite3.Connection, new: int) -> None:
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM decisions"
    ).fetchone()
    if count >= MAX_DECISIONS or size + new > MAX_ALL_IDS:
        raise UsageError(
            f"there are {count:,} decisions about {size:,} items, and no room for more",
            remedy="withdraw those that are not needed any more",
        )


def _find(connection: sqlite3.Connection, name: str) -> Decision | None:
    row = connection.execute(_SELECT + "WHERE id = ?", (name,)).fetchone()
    return None if row is None else _decision(row)


def _decision(row: tuple[Any, ...]) -> Decision:
    sequence, name, value, ids, at = row
    try:
        found = json.loads(ids)
        if value not in VERDICTS or not all(isinstance(each, str) for each in found):
            raise ValueError(value)
        return Decision(name, value, tuple(found), at, sequence)
    except (TypeError, ValueError) as error:
        raise CorruptCollection("a stored decision can't be right") from error
