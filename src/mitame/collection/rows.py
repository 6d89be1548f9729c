"""The rows of a lens at one journal position: a snapshot's, and the delta of the log after it.

Brought forward by following the journal: new rows are added, dead ones lose their owner. What a
view holds is never changed; owners are copied where an older row dies.

Rows are numbered from 0: first those of the snapshot, then every row that the log has past the
snapshot, dead ones too.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base, Numbers
from mitame.collection.composite import CompositeIndex, exact_index
from mitame.collection.excluding import Excluding
from mitame.collection.lens_table import StoredLens
from mitame.collection.log import Log, LogFile
from mitame.distances import Distance
from mitame.engines.protocol import Searchable

DEAD = -1


@dataclass(frozen=True)
class Piece:
    """Rows of the delta that are in one file of the log.

    Attributes:
        file: which.
        first: the row of the log that `vectors` begins with.
        vectors: float32[rows, dimension], mapped, read-only.
        mapped: float32[room, dimension], all that is mapped of the file.
    """

    file: LogFile
    first: int
    vectors: NDArray[np.float32]
    mapped: NDArray[np.float32]
    distance: Distance

    @property
    def end(self) -> int:
        """The row of the log after the last."""
        return self.first + len(self.vectors)

    @cached_property
    def index(self) -> Searchable:
        """An index over all its rows, dead ones too."""
        return exact_index(self.vectors, self.distance)


@dataclass(frozen=True)
class LensRows:
    """All rows of a lens at one position.

    Attributes:
        position: of the journal.
        base: the snapshot's rows.
        dead_in_base: int64[d], the places of those that are dead, ascending.
        owners: int64[delta rows], the item's key, or -1 where the row is dead; read-only.
        dead_in_delta: how many of those are.
        pieces: the delta's vectors.
        room: int64, the array that `owners` begins; past it, newer positions may have written.
    """

    position: int
    base: Base
    dead_in_base: Numbers
    owners: Numbers
    dead_in_delta: int
    pieces: tuple[Piece, ...]
    room: Numbers

    @property
    def log_rows(self) -> int:
        """Rows of the log."""
        return self.base.log_rows + len(self.owners)

    @property
    def count(self) -> int:
        """Rows in all, dead ones too."""
        return self.base.count + len(self.owners)

    @property
    def dead(self) -> int:
        """How many of them are dead."""
        return len(self.dead_in_base) + self.dead_in_delta

    @property
    def live(self) -> NDArray[np.bool_] | None:
        """bool[count], or None where all are."""
        return self._live if self.dead else None

    @cached_property
    def _live(self) -> NDArray[np.bool_]:
        live = np.ones(self.count, np.bool_)
        live[self.dead_in_base] = False
        live[self.base.count :] = self.owners != DEAD
        return live

    @cached_property
    def index(self) -> Searchable:
        """The live rows, the snapshot's by the engine that was chosen; what is allowed is live."""
        return self._without_dead(self.base.index)

    @cached_property
    def exact_index(self) -> Searchable:
        """As `index`, and every row is looked at."""
        return self._without_dead(self.base.index.exact)

    def _without_dead(self, base: Searchable) -> Searchable:
        parts = [piece.index for piece in self.pieces]
        joined = CompositeIndex([base, *parts] if self.base.count or not parts else parts)
        if not self.dead:
            return joined
        in_delta = np.flatnonzero(self.owners == DEAD) + self.base.count
        return Excluding(joined, np.concatenate([self.dead_in_base, in_delta]))

    def all_owners(self) -> Numbers:
        """int64[count], the item's key, or -1 where the row is dead; a copy, read-only."""
        both = np.concatenate([self.base.owners, self.owners])
        both[self.dead_in_base] = DEAD
        both.flags.writeable = False
        return both

    def owner_of(self, rows: Numbers) -> Numbers:
        """int64[n] of rows int64[n]: the item's key, or -1 where the row is dead."""
        out = np.empty(len(rows), np.int64)
        old = rows < self.base.count
        out[old] = self.base.owners[rows[old]]
        out[~old] = self.owners[rows[~old] - self.base.count]
        if len(self.dead_in_base):
            out[np.isin(rows, self.dead_in_base)] = DEAD
        return out

    def matching(self, match: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[count]: live rows whose item's key is true in bool[keys]."""
        mask = np.empty(self.count, np.bool_)
        mask[: self.base.count] = match[self.base.owners]
        mask[self.base.count :] = match[self.owners]  # -1 looks up something, and is masked next
        if self.dead:
            mask &= self._live
        return mask

    def vectors_of(self, rows: Numbers) -> NDArray[np.float32]:
        """float32[n, dimension] of rows int64[n], a copy."""
        out = np.empty((len(rows), self.base.dimension), np.float32)
        old = rows < self.base.count
        out[old] = self.base.vectors(rows[old])
        numbers = self.to_log(rows)
        for piece in self.pieces:
            here = ~old & (numbers >= piece.first) & (numbers < piece.end)
            out[here] = piece.vectors[numbers[here] - piece.first]
        return out

    def to_log(self, rows: Numbers) -> Numbers:
        """The rows of the log that rows int64[n] are."""
        out = rows - self.base.count + self.base.log_rows
        old = rows < self.base.count
        out[old] = self.base.rows[rows[old]]
        return out

    def from_log(self, log_rows: Numbers) -> Numbers:
        """The rows here that rows of the log int64[n] are.

        Raises:
            CorruptCollection: one is older than the snapshot and not in it.
        """
        out = log_rows - self.base.log_rows + self.base.count
        old = log_rows < self.base.log_rows
        out[old] = self.base.places(log_rows[old])
        return out


def start(base: Base, position: int) -> LensRows:
    """Where following begins: a snapshot's rows at its position."""
    nothing = np.empty(0, np.int64)
    return LensRows(position, base, nothing, nothing, 0, (), nothing)


def forward(
    old: LensRows,
    position: int,
    connection: sqlite3.Connection,
    stored: StoredLens,
    log: Log,
    *,
    own: bool,
) -> LensRows:
    """The rows at a later position.

    Args:
        old: rows at an earlier position.
        position: the one that the connection's read transaction sees.
        connection: in a read transaction.
        stored: the lens.
        log: of the collection.
        own: nobody has brought `old` forward before, so that the room after it is free.
    """
    sql = "SELECT log_rows FROM lenses WHERE key = ?"
    log_rows = int(connection.execute(sql, (stored.key,)).fetchone()[0])
    first, used, rows = old.base.log_rows, len(old.owners), log_rows - old.base.log_rows
    died = _died(connection, old, stored.key)
    in_delta = died[died >= first] - first
    room = old.room if own and not len(in_delta) else old.owners.copy()
    room = _with_room(room, used, rows)
    room[in_delta] = DEAD
    live = _read_owners(room[:rows], connection, stored.key, used, first)
    owners = room[:rows]
    owners.flags.writeable = False
    in_base = old.base.places(died[died < first])
    return LensRows(
        position,
        old.base,
        np.union1d(old.dead_in_base, in_base) if len(in_base) else old.dead_in_base,
        owners,
        old.dead_in_delta + len(in_delta) + (rows - used - live),
        _pieces(old, log_rows, stored, log),
        room,
    )


def _died(connection: sqlite3.Connection, old: LensRows, key: int) -> Numbers:
    rows = connection.execute(
        "SELECT row FROM dead_rows WHERE position > ? AND lens = ? AND row < ?",
        (old.position, key, old.log_rows),
    ).fetchall()
    return np.array([row for (row,) in rows], np.int64)


def _with_room(room: Numbers, used: int, rows: int) -> Numbers:
    if rows <= len(room):
        return room
    larger = np.empty(max(rows, len(room) * 3 // 2), np.int64)
    larger[:used] = room[:used]
    return larger


def _read_owners(
    owners: Numbers, connection: sqlite3.Connection, key: int, used: int, first: int
) -> int:
    """Fill in owners of the rows from `used` on; returns how many of them are live."""
    if used == len(owners):
        return 0
    owners[used:] = DEAD
    cursor = connection.execute(
        "SELECT row, item FROM vectors WHERE lens = ? AND row >= ?", (key, first + used)
    )
    live = 0
    while part := cursor.fetchmany(50_000):
        found = np.array(part, np.int64)
        owners[found[:, 0] - first] = found[:, 1]
        live += len(part)
    return live


def _pieces(old: LensRows, log_rows: int, stored: StoredLens, log: Log) -> tuple[Piece, ...]:
    """The old pieces, the last one longer where its file goes on, and new ones."""
    if log_rows == old.log_rows:
        return old.pieces
    kept = list(old.pieces)
    last = kept.pop() if kept and kept[-1].end < kept[-1].file.end else None
    begin = kept[-1].end if kept else old.base.log_rows
    for file, first, end in stored.log.files(begin, log_rows):
        mapped = last.mapped if last is not None and last.file == file else None
        if mapped is None or len(mapped) < end - file.first:
            mapped = log.map(file, stored.log, end)
        vectors = mapped[first - file.first : end - file.first]
        kept.append(Piece(file, first, vectors, mapped, stored.lens.spec.distance))
    return tuple(kept)
