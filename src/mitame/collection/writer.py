"""The only way into a collection: appends of many threads, committed together.

A commit waits for the disk, so while one is under way the others' batches gather; whoever comes
next commits all that have gathered in one transaction (group commit: DeWitt et al., Implementation
techniques for main memory database systems, 1984, section 5). A batch that does not fit what is
there fails alone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mitame.collection.changes import Change, Made
from mitame.collection.database import connect, reading
from mitame.collection.lens_table import LensTable, NewestLenses, lenses_changed, read_lenses
from mitame.collection.log import LogWriter
from mitame.collection.ready import Ready, ready
from mitame.collection.transaction import Transaction
from mitame.errors import MitameError, StorageError
from mitame.storage import Directory
from mitame.storage.sqlite import transaction

_T = TypeVar("_T")


class _Batch:
    """One caller's changes, and what became of them.

    Attributes:
        tagged: id of the item whose tag is wanted.
        tag: of it, right after the changes.
    """

    def __init__(
        self, changes: Sequence[Change] | Made, table: LensTable, tagged: str | None = None
    ) -> None:
        self._changes = changes
        self._ready = self._checked(table)
        self.tagged = tagged
        self.tag: str | None = None
        self.position: int | None = None
        self.error: MitameError | None = None

    @property
    def is_done(self) -> bool:
        return self.position is not None or self.error is not None

    @property
    def outcome(self) -> int | MitameError:
        """What became of it, once it is done."""
        if self.error is not None:
            return self.error
        assert self.position is not None
        return self.position

    def ready_for(self, table: LensTable) -> list[Ready]:
        """The changes as they can be written, made anew if the lenses are others meanwhile."""
        if table.changed != self._checked_at:
            self._ready = self._checked(table)
        return self._ready

    def _checked(self, table: LensTable) -> list[Ready]:
        made = self._changes(table.lenses) if callable(self._changes) else self._changes
        self._checked_at = table.changed
        return [ready(change, table.lenses) for change in made]


class Writer:
    """Appends to one collection. Safe to call from several threads at once.

    Args:
        path: directory of the collection.
        directory: the same.
        lenses: the newest known, kept up to date here.
        busy_seconds: how long to wait for another process's write.
    """

    def __init__(
        self, path: Path, directory: Directory, lenses: NewestLenses, busy_seconds: float
    ) -> None:
        self._path = path
        self._directory = directory
        self._lenses = lenses
        self._busy_seconds = busy_seconds
        self._opened: tuple[sqlite3.Connection, LogWriter] | None = None
        self._turn = threading.Lock()
        self._waiting: list[_Batch] = []
        self._gate = threading.Lock()

    def append(self, changes: Sequence[Change]) -> int:
        """Make changes durable, all of them or none; the journal position after them.

        Raises:
            MitameError: of the kind that says why; nothing was changed.
        """
        return self._done(_Batch(changes, self._lenses.table))

    def append_and_tag(self, changes: Made, item_id: str) -> tuple[int, str | None]:
        """As `append`; the item's tag right after them, too, whatever others do then."""
        batch = _Batch(changes, self._lenses.table, item_id)
        return self._done(batch), batch.tag

    def append_each(self, groups: Sequence[Sequence[Change]]) -> list[int | MitameError]:
        """As `append` for each group of changes in order, in one transaction for all.

        Returns:
            For each the journal position after it, or why nothing of it was done.
        """
        table = self._lenses.table
        batches = [_checked(changes, table) for changes in groups]
        self._see_through([batch for batch in batches if isinstance(batch, _Batch)])
        return [batch.outcome if isinstance(batch, _Batch) else batch for batch in batches]

    def transact(self, action: Callable[[sqlite3.Connection, LensTable], _T]) -> _T:
        """Do something else to the database in a transaction of its own.

        Args:
            action: given the connection under the write lock, and the lenses there.
        """
        with self._turn, reading(self._path):
            connection, _ = self._open()
            with transaction(connection, writes=True):
                done = action(connection, read_lenses(connection, self._path))
                is_changed = lenses_changed(connection) != self._lenses.table.changed
                table = read_lenses(connection, self._path) if is_changed else None
            if table is not None:
                self._lenses.offer(table)
            return done

    def close(self) -> None:
        """Wait for the write under way and let go of the files."""
        with self._turn:
            opened, self._opened = self._opened, None
            if opened is not None:
                connection, log = opened
                connection.close()
                log.close()

    def _done(self, batch: _Batch) -> int:
        self._see_through([batch])
        outcome = batch.outcome
        if isinstance(outcome, MitameError):
            raise outcome
        return outcome

    def _see_through(self, batches: Sequence[_Batch]) -> None:
        """Have them committed, by this thread or one that comes first."""
        with self._gate:
            self._waiting += batches
        try:
            with self._turn:
                if not all(batch.is_done for batch in batches):
                    self._commit_waiting()
        finally:
            self._forget(batches)

    def _forget(self, batches: Sequence[_Batch]) -> None:
        """Take out what its caller has given up, lest a later write carries it along."""
        with self._gate:
            if self._waiting:
                mine = set(batches)
                self._waiting = [batch for batch in self._waiting if batch not in mine]

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
        connection, log = self._open()
        transaction = Transaction(connection, log)
        reached: list[tuple[_Batch, int]] = []
        is_whole = False
        try:
            table = transaction.begin(self._lenses.table, self._path)
            for batch in batches:
                try:
                    changes, alone = batch.ready_for(table), len(batches) == 1
                    position = transaction.apply(changes, alone=alone)
                    if batch.tagged is not None:
                        batch.tag = transaction.tag(batch.tagged)
                    reached.append((batch, position))
                except MitameError as error:
                    batch.error = error
            if reached:
                transaction.commit(table)
            is_whole = True
        finally:
            transaction.rollback()
            if not is_whole:
                log.close()  # a file whose sync has failed must be opened anew
        self._lenses.offer(table)
        for batch, position in reached:
            batch.position = position

    def _open(self) -> tuple[sqlite3.Connection, LogWriter]:
        if self._opened is None:
            log = LogWriter(self._directory)
            connection = connect(self._path, busy_seconds=self._busy_seconds, writable=True)
            self._opened = connection, log
        return self._opened


def _checked(changes: Sequence[Change], table: LensTable) -> _Batch | MitameError:
    try:
        return _Batch(changes, table)
    except MitameError as error:
        return error


def _fail(batches: list[_Batch], error: MitameError) -> None:
    """Tell everybody who has not heard; each gets an exception of their own to raise."""
    for batch in batches:
        if not batch.is_done:
            batch.error = type(error)(error.message, remedy=error.remedy)
            batch.error.__cause__ = error.__cause__
