"""Which of two answers to the same question somebody found better.

Votes on lenses, on an engine and its truth, on generations.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mitame.collection.item import check_id
from mitame.collection.paths import COMPARISONS
from mitame.errors import CorruptCollection, UsageError
from mitame.storage.ring import drop_oldest, last_end
from mitame.storage.sqlite_file import SqliteFile

Better: TypeAlias = Literal["left", "right", "neither"]
MAX_IDS = 50
"""Of an answer, that are kept."""
MAX_COMPARISONS = 100_000
MAX_BYTES = 64 << 20
"""Of all that are kept: the oldest leave."""
_ROW_BYTES = 100
_TABLES = """
CREATE TABLE comparisons (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    ends INTEGER NOT NULL,
    item TEXT NOT NULL,
    left_name TEXT NOT NULL,
    right_name TEXT NOT NULL,
    sides TEXT NOT NULL,
    better TEXT NOT NULL,
    at INTEGER NOT NULL
)
"""
_INSERT = (
    "INSERT INTO comparisons (ends, item, left_name, right_name, sides, better, at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True)
class Side:
    """One of the two answers.

    Attributes:
        lens: its name.
        fingerprint: of the lens's spec: which vectors were compared.
        exact: every vector was looked at.
        generation: of the snapshot that answered.
        ids: that were answered, nearest first.
        delta: with what had changed since the snapshot; else the snapshot answered alone.
    """

    lens: str
    fingerprint: str
    exact: bool
    generation: int
    ids: tuple[str, ...]
    delta: bool = True

    @property
    def name(self) -> str:
        """What is added up: the lens, whether it was exact, and which snapshot answered alone."""
        name = f"{self.lens} exact" if self.exact else self.lens
        return name if self.delta else f"{name}, generation {self.generation} alone"


@dataclass(frozen=True)
class Comparison:
    """A vote.

    Attributes:
        item: id of the item that was asked about.
        left, right: the answers, as they were shown.
        better: which one, or neither.
        at: when, microseconds since 1970.
        sequence: later votes have greater ones.
    """

    item: str
    left: Side
    right: Side
    better: Better
    at: int = 0
    sequence: int = 0


class ComparisonStore:
    """The votes of a collection: on the disk before they are acknowledged, the oldest leave.

    Safe from several threads and processes. Its methods raise CollectionBusy, StorageError or
    CorruptCollection where the file can't be read or written.

    Args:
        path: the collection's directory.
        max_bytes: that are kept.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._file = SqliteFile(path / COMPARISONS, _TABLES, durable=True)
        self._max_bytes = max_bytes

    def add(self, item: str, left: Side, right: Side, better: Better) -> Comparison:
        """Keep a vote.

        Raises:
            UsageError, InvalidId: it can't be one.
        """
        _check(item, (left, right), better)
        now = time.time_ns() // 1_000
        sides = json.dumps([asdict(left), asdict(right)], separators=(",", ":"))
        with self._file.write() as connection:
            end = last_end(connection, "comparisons")
            end += len(sides.encode()) + len(item.encode()) + _ROW_BYTES
            row = (end, item, *_names(left, right), sides, better, now)
            sequence = connection.execute(_INSERT, row).lastrowid
            assert sequence is not None
            drop_oldest(connection, "comparisons", max(1, self._max_bytes))
            sql = "DELETE FROM comparisons WHERE sequence <= ?"
            connection.execute(sql, (sequence - MAX_COMPARISONS,))
        return Comparison(item, left, right, better, now, sequence)

    def comparisons(self, after: int = 0, limit: int = 1_000) -> list[Comparison]:
        """Votes in the order in which they were given.

        Args:
            after: begin past this sequence number.
            limit: at most so many.
        """
        sql = (
            "SELECT sequence, item, sides, better, at FROM comparisons"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?"
        )
        with self._file.read() as connection:
            if connection is None:
                return []
            return [_comparison(row) for row in connection.execute(sql, (after, limit))]

    def totals(self) -> dict[tuple[str, str], dict[str, int]]:
        """Votes of each pair of sides by name, the smaller name first: first, second, neither."""
        sql = (
            "SELECT left_name, right_name, better, count(*) FROM comparisons"
            " GROUP BY left_name, right_name, better"
        )
        found: dict[tuple[str, str], dict[str, int]] = {}
        with self._file.read() as connection:
            for left, right, better, count in () if connection is None else connection.execute(sql):
                pair = (min(left, right), max(left, right))
                votes = found.setdefault(pair, {"first": 0, "second": 0, "neither": 0})
                chosen = {"left": left, "right": right}.get(better)
                key = "neither" if chosen is None else "first" if chosen == pair[0] else "second"
                votes[key] += count
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _names(left: Side, right: Side) -> tuple[str, str]:
    """What votes are added up by: with both generations where they are what is compared."""
    if left.name != right.name and left.delta and right.delta:
        return left.name, right.name
    first, second = (
        f"{each.name}, generation {each.generation}" if each.delta else each.name
        for each in (left, right)
    )
    return first, second


def _check(item: str, sides: Sequence[Side], better: str) -> None:
    check_id(item)
    if better not in get_args(Better):
        raise UsageError(f"{better[:40]!r} is no vote", remedy="use left, right or neither")
    if sides[0].name == sides[1].name and sides[0].generation == sides[1].generation:
        raise UsageError(
            f"both sides are {sides[0].name!r}", remedy="compare two lenses, or one with its truth"
        )
    for side in sides:
        if len(side.ids) > MAX_IDS:
            raise UsageError(f"a side has {len(side.ids)} ids", remedy=f"send {MAX_IDS} at most")
        for each in side.ids:
            check_id(each)


def _comparison(row: tuple[Any, ...]) -> Comparison:
    sequence, item, sides, better, at = row
    try:
        left, right = (Side(**{**each, "ids": tuple(each["ids"])}) for each in json.loads(sides))
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptCollection("a stored comparison can't be right") from error
    return Comparison(item, left, right, better, at, sequence)
