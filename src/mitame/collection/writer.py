"""The only way into a collection: appends of many threads, committed together.

A commit waits for the disk, so while one is under way the others' batches gather; whoever comes
next commits all that have gathered in one transaction (group commit: DeWitt et al., Implementation
techniques for main memory database systems, 1984, section 5). A batch that does not fit what is
there fails alone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from mitame.collection.changes import Change, Ready, ready
from mitame.collection.database import connect, reading
from mitame.collection.lens import Lens
from mitame.collection.transaction import Transaction
from mitame.collection.vectorfile import VectorWriter
from mitame.errors import MitameError, StorageError


class _Batch:
    """One caller's changes, and what became of them."""

    def __init__(self, changes: list[Ready]) -> None:
        self.changes = changes
        self.position: int | None = None
        self.error: MitameError | None = None

    @property
    def is_done(self) -> bool:
        return self.position is not None or self.error is not None


class Writer:
    """Appends to one collection. Safe to call from several threads at once.

    Args:
        path: directory of the collection.
        lenses: its lenses by name.
        keys: their keys in the database.
        busy_seconds: how long to wait for another process's write.
    """

    def __init__(
        self, path: Path, lenses: Mapping[str, Lens], keys: Mapping[str, int], busy_seconds: float
    ) -> None:
        self._path = path
        self._lenses = lenses
        self._keys = keys
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._files: dict[str, VectorWriter] = {}
        self._turn = threading.Lock()
        self._waiting: list[_Batch] = []
        self._gate = threading.Lock()

    def append(self, changes: Sequence[Change]) -> int:
        """Make changes durable, all of them or none; the journal position after them.

        Raises:
            MitameError: of the kind that says why; nothing was changed.
        """
        batch = _Batch([ready(change, self._lenses) for change in changes])
        with self._gate:
            self._waiting.append(batch)
        try:
            with self._turn:
                if not batch.is_done:
                    self._commit_waiting()
        finally:
            self._forget(batch)
        if batch.error is not None:
            raise batch.error
        assert batch.position is not None
        return batch.position

    def close(self) -> None:
        """Wait for the write under way and let go of the files."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            for file in self._files.values():
                file.close()
            self._files = {}

    def _forget(self, batch: _Batch) -> None:
        """Take out a batch whose caller was interrupted, lest a later write carries it along."""
        with self._gate:
            if batch in self._waiting:
                self._waiting.remove(batch)

    def _commit_waiting(self) -> None:
        with self._gate:
            batches, self._waiting = self._waiting, []
        try:
            with reading(self._path):
                self._commit(batches)
        except MitameError as error:
            _fail(batches, error)
        except BaseException:
            _fail(batches, StorageError("the write was interrupted", remedy="try again"))
            raise

    def _commit(self, batches: list[_Batch]) -> None:
        transaction = Transaction(self._open(), self._keys, self._files)
        reached: list[tuple[_Batch, int]] = []
        try:
            transaction.begin()
            for batch in batches:
                try:
                    reached.append((batch, transaction.apply(batch.changes)))
                except MitameError as error:
                    batch.error = error
            if reached:
                transaction.commit()
        finally:
            transaction.rollback()
        for batch, position in reached:
            batch.position = position

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._files = {
                name: VectorWriter(self._path / lens.vector_file, lens.spec.dimension)
                for name, lens in self._lenses.items()
            }
            self._connection = connect(self._path, busy_seconds=self._busy_seconds, writable=True)
        return self._connection


def _fail(batches: list[_Batch], error: MitameError) -> None:
    """Tell everybody who has not heard; each gets an exception of their own to raise."""
    for batch in batches:
        if not batch.is_done:
            batch.error = type(error)(error.message, remedy=error.remedy)
            batch.error.__cause__ = error.__cause__
