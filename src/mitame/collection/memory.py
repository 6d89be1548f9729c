"""What the views of one generation share, brought forward once for all of them."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitame.collection import columns, rows
from mitame.collection.base import Base
from mitame.collection.columns import MAX_COLUMNS, NOTHING, Columns
from mitame.collection.lens_table import StoredLens
from mitame.collection.log import Log
from mitame.collection.neighbor_changes import NO_CHANGES, Changes, changes_of
from mitame.collection.neighbor_memory import NearRows
from mitame.collection.rows import LensRows
from mitame.collection.snapshot import Snapshot
from mitame.errors import CorruptCollection


class _Versioned(Protocol):
    @property
    def position(self) -> int: ...


_T = TypeVar("_T", bound=_Versioned)


class _Versions(Generic[_T]):
    """The newest few versions of something, so that views pinned at once needn't agree."""

    KEPT = 4

    def __init__(self, start: _T) -> None:
        self._start = start
        self._versions: list[_T] = []

    def before(self, position: int) -> tuple[_T, bool]:
        """The newest version at most at a position, and whether it is the newest of all."""
        for version in reversed(self._versions):
            if version.position <= position:
                return version, version is self._versions[-1]
        return self._start, False

    def add(self, version: _T) -> None:
        """Keep a version, in place of one at the same position."""
        others = [v for v in self._versions if v.position != version.position]
        self._versions = sorted([*others, version], key=lambda v: v.position)[-self.KEPT :]


class SharedMemory:
    """Rows and columns by journal position, from a snapshot's position on.

    Args:
        snapshot: where following begins; None for an empty collection at position 0.
        log: of the collection.
    """

    def __init__(self, snapshot: Snapshot | None, log: Log) -> None:
        self._snapshot = snapshot
        self._log = log
        self._lock = threading.Lock()
        self._rows: dict[int, _Versions[LensRows]] = {}
        self._changes: dict[int, _Versions[Changes]] = {}
        self._near_rows: dict[int, NearRows] = {}
        self._columns = _Versions(self._first_columns(frozenset()))

    def rows(self, stored: StoredLens, position: int, connection: sqlite3.Connection) -> LensRows:
        """A lens's rows at the position that the connection sees."""
        with self._lock:
            versions = self._rows.get(stored.key)
            if versions is None:
                versions = self._rows[stored.key] = _Versions(self._first_rows(stored))
            old, newest = versions.before(position)
            if old.position == position:
                return old
            new = rows.forward(old, position, connection, stored, self._log, own=newest)
            versions.add(new)
            return new

    def changes(
        self, stored: StoredLens, rows: LensRows, connection: sqlite3.Connection
    ) -> Changes:
        """What has changed since the snapshot for a neighbour table.

        Args:
            stored: the lens, which has a table in the snapshot.
            rows: at the position that the connection sees.
            connection: in a read transaction.
        """
        with self._lock:
            versions = self._changes.get(stored.key)
            if versions is None:
                versions = self._changes[stored.key] = _Versions(NO_CHANGES)
            old, _ = versions.before(rows.position)
            if old.position == rows.position:
                return old
            table = rows.base.neighbors
            assert self._snapshot is not None
            assert table is not None
            since = max(old.position, self._snapshot.position)
            renamed = _renamed(connection, since, self._snapshot)
            renamed = np.union1d(renamed, old.renamed)
            new = changes_of(rows, table.source, table.items, renamed)
            versions.add(new)
            return new

    def near_rows(self, stored: StoredLens) -> NearRows:
        """What is known of rows that may enter lists of a lens's neighbour table."""
        with self._lock:
            return self._near_rows.setdefault(stored.key, NearRows())

    def columns(
        self, names: frozenset[str], position: int, connection: sqlite3.Connection
    ) -> Columns:
        """Columns of these names at the position that the connection sees."""
        with self._lock:
            old, _ = self._columns.before(position)
            if old.position == position and names <= old.by_name.keys():
                return old
            new = columns.forward(old, position, connection, names & old.by_name.keys())
            if missing := names - new.by_name.keys():
                first = self._first_columns(missing)
                made = columns.forward(first, position, connection, missing)
                new = _joined(new, made, names)
            self._columns.add(new)
            return new

    def _first_rows(self, stored: StoredLens) -> LensRows:
        spec = stored.lens.spec
        kept = None if self._snapshot is None else self._snapshot.lenses.get(stored.key)
        if kept is not None and kept.spec.fingerprint != spec.fingerprint:
            raise CorruptCollection(
                f"lens {stored.lens.name!r} has another spec in the snapshot than in the database"
            )
        at = 0 if self._snapshot is None else self._snapshot.position
        return rows.start(Base(kept, spec.dimension, spec.distance), at)

    def _first_columns(self, names: frozenset[str]) -> Columns:
        """The snapshot's columns of these names, those that it has."""
        if self._snapshot is None:
            return NOTHING
        stored = self._snapshot.columns()
        return replace(
            stored, by_name={n: stored.by_name[n] for n in names & stored.by_name.keys()}
        )


def _renamed(connection: sqlite3.Connection, since: int, snapshot: Snapshot) -> NDArray[np.int64]:
    """Keys of items that have been relocated since a position, and have another id now."""
    moved = connection.execute(
        "SELECT t.key, t.id FROM items t WHERE t.key IN"
        " (SELECT item FROM journal WHERE position > ? AND operation = 'relocate')",
        (since,),
    )
    return np.array([key for key, now in moved if snapshot.id_of(key) != now], np.int64)


def _joined(old: Columns, new: Columns, names: frozenset[str]) -> Columns:
    """Both at one position; the names asked for come first, and not too many are kept."""
    both = {**old.by_name, **new.by_name}
    others = [name for name in both if name not in names][: max(0, MAX_COLUMNS - len(names))]
    return replace(new, by_name={name: both[name] for name in (*names, *others)})
