"""What a process has open of a collection: when it is first needed, and anew in a forked child.

SQLite's connections, our locks and pins must not be carried across a fork.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mitame.collection.generations import Generations
from mitame.collection.lens_table import LensTable, NewestLenses
from mitame.collection.log import Log
from mitame.collection.merge import Merger
from mitame.collection.readers import Readers
from mitame.collection.served import Served
from mitame.collection.writer import Writer
from mitame.errors import UsageError
from mitame.storage import Directory


@dataclass(frozen=True)
class Opened:
    """One process's ways into a collection."""

    readers: Readers
    log: Log
    generations: Generations
    writer: Writer
    merger: Merger


class OpenFiles:
    """Opens what a collection consists of. Thread-safe; survives `os.fork`.

    Args:
        path: directory of the collection.
        directory: the same.
        table: its lenses.
        busy_seconds: how long to wait where the database is locked.
    """

    def __init__(
        self, path: Path, directory: Directory, table: LensTable, busy_seconds: float
    ) -> None:
        self._path = path
        self._directory = directory
        self._busy_seconds = busy_seconds
        self._is_closed = False
        self._forks = 0
        self._start(table)
        _all.add(self)

    def _start(self, table: LensTable) -> None:
        self.newest = NewestLenses(table)
        self._held: Opened | None = None
        self._lock = threading.Lock()

    @property
    def opened(self) -> Opened:
        """What is open, or is opened now.

        Raises:
            UsageError: it has been closed.
        """
        if self._is_closed:
            raise UsageError(f"collection {self._path} is closed", remedy="open it again")
        with self._lock:
            if self._held is None:
                log = Log(self._directory)
                generations = Generations(self._directory, log)
                writer = Writer(self._path, self._directory, self.newest, self._busy_seconds)
                merger = Merger(self._directory, log, generations, writer)
                readers = Readers(self._path, self._busy_seconds)
                self._held = Opened(readers, log, generations, writer, merger)
            return self._held

    @contextlib.contextmanager
    def giving_back(self, generations: Generations, served: Served) -> Iterator[None]:
        """Release a pinned generation at the end of a with block.

        In a child that was forked within, the block ends too, but the pin is the parent's.
        """
        forks = self._forks
        try:
            yield
        finally:
            if forks == self._forks:
                generations.release(served)
            else:
                _left_by_parent.append(served)

    def close(self) -> None:
        """Let go of the files, after the write under way; doing it twice does nothing."""
        self._is_closed = True
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            held.writer.close()
            held.generations.close()
            held.readers.close()

    def restart_in_child(self) -> None:
        """Have nothing open, as is right for a process that has just been forked."""
        _left_by_parent.append(self._held)
        self._forks += 1
        self._start(self.newest.table)


_all: weakref.WeakSet[OpenFiles] = weakref.WeakSet()
_left_by_parent: list[object] = []
"""The parent's connections: closing them in a child would meddle with the parent's locks."""


def _restart_all() -> None:
    for files in list(_all):
        files.restart_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
