"""A collection on the disk: made, opened, written to and pinned for reading.

Directory of a collection: ``collection.sqlite3`` (items, images, journal) and one
``vectors-LENS.f32`` for each lens. Any number of processes may read and write at once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from mitame.collection.changes import Change
from mitame.collection.check import problems
from mitame.collection.database import BUSY_SECONDS, connect, make, reading, translated
from mitame.collection.lens import Lens
from mitame.collection.memory import SharedMemory
from mitame.collection.paths import DATABASE
from mitame.collection.transaction import position as journal_position
from mitame.collection.vectorfile import map_rows, sync_directory
from mitame.collection.view import View
from mitame.collection.writer import Writer
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import CollectionExists, CorruptCollection, UsageError

_IDLE_CONNECTIONS = 8


def create(path: Path, lenses: Sequence[Lens], *, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Make a collection and open it.

    It is built beside its place and renamed, so that there is the whole of it or nothing, and of
    several processes that make it at once one succeeds.

    Args:
        path: directory that does not exist yet; its parents are made as needed.
        lenses: at least one, names differ.
        busy_seconds: as in `open_store`.

    Raises:
        CollectionExists: there is something at the path.
        UsageError: no lens, or two of one name.
        StorageError: the disk does not let us.
    """
    names = {lens.name for lens in lenses}
    if not lenses or len(names) < len(lenses):
        raise UsageError("a collection needs lenses of different names", remedy="give at least one")
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
        try:
            _fill(building, lenses)
            _rename(building, path)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        sync_directory(path.parent)
    return open_store(path, busy_seconds=busy_seconds)


def _fill(directory: Path, lenses: Sequence[Lens]) -> None:
    for lens in lenses:
        (directory / lens.vector_file).touch()
    make(directory, lenses)
    directory.chmod(0o777 & ~_umask())  # mkdtemp's directories are the user's alone
    sync_directory(directory)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _rename(building: Path, path: Path) -> None:
    if path.exists():
        raise CollectionExists(f"there is something at {path} already")
    try:
        building.rename(path)
    except OSError as error:
        if path.exists():
            raise CollectionExists(f"there is something at {path} already") from error
        raise


def open_store(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Store:
    """Open a collection.

    Args:
        path: its directory.
        busy_seconds: how long a write waits for another process's, then CollectionBusy.

    Raises:
        CollectionNotFound, NewerFormat, CorruptCollection, StorageError: as they say.
    """
    with reading(path):
        connection = connect(path, busy_seconds=busy_seconds)
        try:
            lenses, keys = _read_lenses(connection, path)
        finally:
            connection.close()
    return Store(path, lenses, keys, busy_seconds)


def _read_lenses(
    connection: sqlite3.Connection, path: Path
) -> tuple[dict[str, Lens], dict[str, int]]:
    lenses: dict[str, Lens] = {}
    keys: dict[str, int] = {}
    for key, name, text, fingerprint, rows in connection.execute(
        "SELECT key, name, spec, fingerprint, rows FROM lenses ORDER BY key"
    ):
        try:
            lens = Lens(name, EmbedderSpec.from_json(text))
        except (ValueError, TypeError, KeyError, AttributeError, UsageError) as error:
            raise CorruptCollection(f"{path / DATABASE}: lens {name!r} can't be read") from error
        if lens.spec.fingerprint != fingerprint:
            raise CorruptCollection(
                f"{path / DATABASE}: lens {name!r} does not fit its fingerprint"
            )
        map_rows(path / lens.vector_file, lens.spec.dimension, rows)
        lenses[name], keys[name] = lens, key
    if not lenses:
        raise CorruptCollection(f"{path / DATABASE} has no lens")
    return lenses, keys


class Store:
    """An open collection. Safe to use from several threads at once; survives `os.fork`.

    Made by `create` and `open_store`; close it, or use it in a with statement.
    """

    def __init__(
        self,
        path: Path,
        lenses: Mapping[str, Lens],
        keys: Mapping[str, int],
        busy_seconds: float,
    ) -> None:
        self._path = path
        self._lenses = MappingProxyType(dict(lenses))
        self._keys = dict(keys)
        self._busy_seconds = busy_seconds
        self._is_closed = False
        self._forks = 0
        self._start()
        _open_stores.add(self)

    def _start(self) -> None:
        self._writer = Writer(self._path, self._lenses, self._keys, self._busy_seconds)
        self._memory = SharedMemory(self._path, self._lenses, self._keys)
        self._idle: list[sqlite3.Connection] = []
        self._idle_lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The collection's directory."""
        return self._path

    @property
    def lenses(self) -> Mapping[str, Lens]:
        """Its lenses by name, in the order they were made."""
        return self._lenses

    def append(self, changes: Sequence[Change]) -> int:
        """Make changes, in order, all of them or none.

        They are on the disk, and every process sees them at its next `pin`, when this returns.
        Threads that append at once share the wait for the disk.

        Returns:
            The journal position after them, which only ever grows.

        Raises:
            InvalidId, InvalidVector, SpecMismatch, UnknownLens, UsageError: a change is wrong.
            ItemNotFound, ItemExists: a change does not fit what is there.
            CollectionBusy, StorageError, CorruptCollection: it could not be written.
        """
        self._check_open()
        return self._writer.append(changes)

    @contextlib.contextmanager
    def pin(self) -> Iterator[View]:
        """The collection at this moment, for the length of a with block in one process.

        Raises:
            StorageError, CorruptCollection: the files can't be read.
        """
        forks = self._forks
        connection, position = self._begin()
        view = View(self._path, self._lenses, self._memory, connection, position)
        try:
            yield view
        finally:
            view.end()
            self._give_back(connection, forks)

    def check(self) -> list[str]:
        """What is wrong with the files, in words; empty when all is well. Reads everything."""
        with self.pin() as view:
            return problems(view, self._path)

    def close(self) -> None:
        """Let go of the files, after the write under way; doing it twice does nothing."""
        self._is_closed = True
        self._writer.close()
        with self._idle_lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise UsageError(f"collection {self._path} is closed", remedy="open it again")

    def _begin(self) -> tuple[sqlite3.Connection, int]:
        """A connection in a read transaction, and the position that it sees."""
        self._check_open()
        with reading(self._path):
            with self._idle_lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = connect(self._path, busy_seconds=self._busy_seconds)
            try:
                connection.execute("BEGIN")
                return connection, journal_position(connection)
            except BaseException:
                connection.close()
                raise

    def _give_back(self, connection: sqlite3.Connection, forks: int) -> None:
        if forks != self._forks:  # a view that was pinned before the fork ends in the child too
            _left_by_parent.append(connection)
            return
        with contextlib.suppress(sqlite3.Error), self._idle_lock:
            connection.execute("ROLLBACK")
            if not self._is_closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _restart_in_child(self) -> None:
        """SQLite's connections and our locks must not be carried across a fork."""
        _left_by_parent.append((self._idle, self._writer))
        self._forks += 1
        self._start()


_open_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_left_by_parent: list[object] = []
"""The parent's connections: closing them in a child would meddle with the parent's locks."""


def _restart_all() -> None:
    for store in list(_open_stores):
        store._restart_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
