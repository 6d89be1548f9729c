"""The rows of a lens in memory: mapped vectors and their owners at one journal position.

Brought forward by following the journal: new rows are added, dead ones lose their owner. What a
view holds is never changed; owners are copied where an older row dies.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.collection.lens import Lens
from mitame.collection.vectorfile import map_rows
from mitame.engines.catalog import find
from mitame.engines.protocol import Index

DEAD = -1


@dataclass(frozen=True)
class LensRows:
    """All rows of a lens at one position.

    Attributes:
        position: of the journal.
        vectors: float32[rows, dimension], mapped, read-only.
        owners: int64[rows], the item's key, or -1 where the row is dead; read-only.
        dead: how many are.
        metric: the lens's distance, for the index.
        mapped: float32[room, dimension], the map that `vectors` begins.
        room: int64, the array that `owners` begins; past it, newer positions may have written.
    """

    position: int
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]
    dead: int
    lens: Lens
    mapped: NDArray[np.float32]
    room: NDArray[np.int64]

    @property
    def live(self) -> NDArray[np.bool_] | None:
        """bool[rows], or None where all are."""
        return self._live if self.dead else None

    @cached_property
    def _live(self) -> NDArray[np.bool_]:
        live: NDArray[np.bool_] = self.owners != DEAD
        return live

    @cached_property
    def index(self) -> Index:
        """An exact index over all rows, dead ones too: search it with `live` or less allowed."""
        return find("exact").build(self.vectors, self.lens.spec.distance, trusted=True)


def empty(lens: Lens) -> LensRows:
    """Where following begins."""
    vectors = np.empty((0, lens.spec.dimension), np.float32)
    owners = np.empty(0, np.int64)
    return LensRows(0, vectors, owners, 0, lens, vectors, owners)


def forward(
    old: LensRows, position: int, connection: sqlite3.Connection, key: int, path: Path, *, own: bool
) -> LensRows:
    """The rows at a later position.

    Args:
        old: rows at an earlier position.
        position: the one that the connection's read transaction sees.
        connection: in a read transaction.
        key: the lens's, in the database.
        path: directory of the collection.
        own: nobody has brought `old` forward before, so that the room after it is free.
    """
    before = len(old.owners)
    rows = int(connection.execute("SELECT rows FROM lenses WHERE key = ?", (key,)).fetchone()[0])
    mapped = old.mapped
    if rows > len(mapped):
        mapped = map_rows(path / old.lens.vector_file, old.lens.spec.dimension, rows)
    died = connection.execute(
        "SELECT row FROM dead_rows WHERE position > ? AND lens = ? AND row < ?",
        (old.position, key, before),
    ).fetchall()
    room = old.room if own and not died else old.owners.copy()
    room = _with_room(room, before, rows)
    room[[row for (row,) in died]] = DEAD
    live = _read_owners(room, connection, key, before, rows)
    owners = room[:rows]
    owners.flags.writeable = False
    dead = old.dead + len(died) + (rows - before - live)
    return LensRows(position, mapped[:rows], owners, dead, old.lens, mapped, room)


def _with_room(room: NDArray[np.int64], used: int, rows: int) -> NDArray[np.int64]:
    if rows <= len(room):
        return room
    larger = np.empty(max(rows, len(room) * 3 // 2), np.int64)
    larger[:used] = room[:used]
    return larger


def _read_owners(
    room: NDArray[np.int64], connection: sqlite3.Connection, key: int, before: int, rows: int
) -> int:
    """Fill in owners of the rows from `before` on; returns how many of them are live."""
    if rows == before:
        return 0
    room[before:rows] = DEAD
    cursor = connection.execute(
        "SELECT row, item FROM vectors WHERE lens = ? AND row >= ?", (key, before)
    )
    live = 0
    while part := cursor.fetchmany(50_000):
        found = np.array(part, np.int64)
        room[found[:, 0]] = found[:, 1]
        live += len(part)
    return live
