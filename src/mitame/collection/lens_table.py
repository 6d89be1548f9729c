"""The lenses of a collection in its database: read, added, dropped, renamed, given an engine.

A lens's key stays for ever and is used once; its name can move to another. Every change of the
lenses is an entry of the journal, so that who knows a position knows the lenses there.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mitame.collection.choice import Choice
from mitame.collection.database import CHOICES, position
from mitame.collection.lens import Lens
from mitame.collection.log import LogLayout
from mitame.collection.paths import DATABASE
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import CorruptCollection, UnknownLens, UsageError

MAX_LENSES = 1_000


@dataclass(frozen=True)
class StoredLens:
    """A lens with its key in the database, where its vectors are, and the engine chosen for it."""

    key: int
    lens: Lens
    log: LogLayout
    choice: Choice | None = None


@dataclass(frozen=True)
class LensTable:
    """The lenses at a moment.

    Attributes:
        changed: position of the journal at which they became so.
        stored: by name, in their order.
        lenses: the same, as callers see them; read-only.
    """

    changed: int
    stored: Mapping[str, StoredLens]
    lenses: Mapping[str, Lens]

    @property
    def keys(self) -> dict[str, int]:
        """The lenses' keys by name."""
        return {name: entry.key for name, entry in self.stored.items()}

    def find(self, name: str) -> StoredLens:
        """The lens of this name.

        Raises:
            UnknownLens: there is none.
        """
        if name not in self.stored:
            raise UnknownLens(f"the collection has no lens {name!r}")
        return self.stored[name]


class NewestLenses:
    """The newest lenses that anybody in this process has seen. Thread-safe."""

    def __init__(self, table: LensTable) -> None:
        self._lock = threading.Lock()
        self._table = table

    @property
    def table(self) -> LensTable:
        """The newest."""
        return self._table

    def offer(self, table: LensTable) -> None:
        """Keep these unless newer ones are known."""
        with self._lock:
            if table.changed > self._table.changed:
                self._table = table


def lenses_changed(connection: sqlite3.Connection) -> int:
    """The position at which the lenses were last changed, as this connection sees it."""
    return int(connection.execute("SELECT lenses_changed FROM state").fetchone()[0])


def read_lenses(connection: sqlite3.Connection, path: Path) -> LensTable:
    """The lenses as this connection sees them.

    Raises:
        CorruptCollection: they can't be used.
    """
    stored: dict[str, StoredLens] = {}
    choices = _choices(connection)
    for key, name, text, fingerprint, file, rows in connection.execute(
        "SELECT key, name, spec, fingerprint, first_file, first_rows FROM lenses ORDER BY place"
    ):
        try:
            lens = Lens(name, EmbedderSpec.from_json(text))
            layout = LogLayout(key, lens.spec.dimension, file, rows)
        except (ValueError, TypeError, KeyError, AttributeError, UsageError) as error:
            raise CorruptCollection(f"{path / DATABASE}: lens {name!r} can't be read") from error
        if lens.spec.fingerprint != fingerprint:
            raise CorruptCollection(
                f"{path / DATABASE}: lens {name!r} does not fit its fingerprint"
            )
        stored[name] = StoredLens(key, lens, layout, choices.get(key))
    if not stored:
        raise CorruptCollection(f"{path / DATABASE} has no lens")
    lenses = MappingProxyType({name: entry.lens for name, entry in stored.items()})
    return LensTable(lenses_changed(connection), stored, lenses)


def _choices(connection: sqlite3.Connection) -> dict[int, Choice]:
    """Choices by lens key; one that can't be read is none, as nothing is lost by choosing anew."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'choices'").fetchone():
        return {}
    found = {}
    for key, text in connection.execute("SELECT lens, choice FROM choices"):
        with suppress(CorruptCollection):
            found[key] = Choice.from_json(text)
    return found


def choose(
    connection: sqlite3.Connection, known: LensTable, name: str, choice: Choice | None
) -> int:
    """Keep which engine a lens is to be searched with, or forget it; the new position.

    Raises:
        UnknownLens: there is no lens of this name.
        UsageError: the choice can't be kept.
    """
    key = known.find(name).key
    connection.execute(CHOICES)
    connection.execute("DELETE FROM choices WHERE lens = ?", (key,))
    if choice is not None:
        connection.execute("INSERT INTO choices VALUES (?, ?)", (key, choice.to_json()))
    return _note(connection, "choose_engine")


def add(connection: sqlite3.Connection, known: LensTable, lens: Lens) -> int:
    """Add a lens, last in the order, for which no image has a vector yet; the new position.

    Raises:
        UsageError: there is one of this name, or there are too many.
    """
    if lens.name in known.stored:
        raise UsageError(
            f"the collection has a lens {lens.name!r} already", remedy="choose another name"
        )
    if len(known.stored) >= MAX_LENSES:
        raise UsageError(f"the collection has {MAX_LENSES} lenses", remedy="drop one first")
    spec = lens.spec
    connection.execute(
        "INSERT INTO lenses (place, name, spec, fingerprint, dimension)"
        " SELECT max(place) + 1, ?, ?, ?, ? FROM lenses",
        (lens.name, spec.to_json(), spec.fingerprint, spec.dimension),
    )
    return _note(connection, "add_lens")


def swap(connection: sqlite3.Connection, known: LensTable, one: str, other: str) -> int:
    """Exchange the names, and the places in the order, of two lenses; the new position.

    Raises:
        UnknownLens: one of them is none.
        UsageError: they are the same.
    """
    keys = (known.find(one).key, known.find(other).key)
    if one == other:
        raise UsageError(f"lens {one!r} can't change places with itself", remedy="name two lenses")
    rows = [_name_and_place(connection, key) for key in keys]
    for key in keys:  # no two may have one name, at no time
        connection.execute("UPDATE lenses SET name = ? WHERE key = ?", (f"/{key}", key))
    for key, (name, place) in zip(keys, reversed(rows), strict=True):
        connection.execute(
            "UPDATE lenses SET name = ?, place = ? WHERE key = ?", (name, place, key)
        )
    return _note(connection, "swap_lenses")


def _name_and_place(connection: sqlite3.Connection, key: int) -> tuple[str, int]:
    row: tuple[str, int] = connection.execute(
        "SELECT name, place FROM lenses WHERE key = ?", (key,)
    ).fetchone()
    return row


def drop(connection: sqlite3.Connection, known: LensTable, name: str) -> int:
    """Drop a lens with its vectors; its files go with a later merge. The new position.

    Raises:
        UnknownLens: there is none of this name.
        UsageError: it is the last one.
    """
    entry = known.find(name)
    if len(known.stored) == 1:
        raise UsageError(f"{name!r} is the collection's last lens", remedy="add another first")
    connection.execute("DELETE FROM vectors WHERE lens = ?", (entry.key,))
    connection.execute("DELETE FROM dead_rows WHERE lens = ?", (entry.key,))
    connection.execute("DELETE FROM appends WHERE lens = ?", (entry.key,))
    connection.execute(CHOICES)
    connection.execute("DELETE FROM choices WHERE lens = ?", (entry.key,))
    connection.execute("DELETE FROM lenses WHERE key = ?", (entry.key,))
    now = _note(connection, "drop_lens")
    connection.execute(
        "INSERT INTO dropped_lenses VALUES (?, ?, ?)", (entry.key, now, entry.lens.spec.dimension)
    )
    return now


def _note(connection: sqlite3.Connection, operation: str) -> int:
    connection.execute(
        "INSERT INTO journal (operation, item, at) VALUES (?, 0, ?)", (operation, int(time.time()))
    )
    now = position(connection)
    connection.execute("UPDATE state SET lenses_changed = ?", (now,))
    return now
