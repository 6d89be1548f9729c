"""Moments of a collection that is open: one is pinned for as long as it is read."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from mitame.collection.database import reading, state
from mitame.collection.generation_view import GenerationView
from mitame.collection.lens_table import LensTable, read_lenses
from mitame.collection.open_files import Opened, OpenFiles
from mitame.collection.served import Served
from mitame.collection.view import View
from mitame.errors import CorruptCollection
from mitame.storage import Directory


class Pinning:
    """How an open collection is read.

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
        self._files = OpenFiles(path, directory, table, busy_seconds)

    @property
    def path(self) -> Path:
        """The collection's directory."""
        return self._path

    @contextlib.contextmanager
    def pin(self) -> Iterator[View]:
        """The collection at this moment, for the length of a with block in one process.

        Raises:
            StorageError, CorruptCollection, NewerFormat: the files can't be read.
        """
        opened = self._opened
        served = opened.generations.acquire()
        with (
            self._files.giving_back(opened.generations, served),
            opened.readers.transaction() as connection,
        ):
            view = self._view(connection, served)
            try:
                yield view
            finally:
                view.end()

    @contextlib.contextmanager
    def alone(self, view: View, generation: int | None) -> Iterator[View]:
        """The same moment, answered by one generation alone, as it answered when it was made.

        Args:
            view: the moment; this one ends before it.
            generation: its number, whether it is served or not; the view itself where None.

        Raises:
            GenerationNotFound: there is none, or none any more.
            StorageError, CorruptCollection, NewerFormat: it can't be opened.
        """
        if generation is None:
            yield view
            return
        generations = self._opened.generations
        served = generations.acquire_one(generation)
        with self._files.giving_back(generations, served):
            found = GenerationView(view, served)
            try:
                yield found
            finally:
                found.end()

    @contextlib.contextmanager
    def keep(self, view: View) -> Iterator[None]:
        """Keep the files of a view's generation for the length of a with block.

        It may go on when the view has been given back: for long work on mapped vectors, in which
        the view's read transaction would keep the database's log from shrinking.
        """
        generations = self._opened.generations
        generations.keep(view.served)
        with self._files.giving_back(generations, view.served):
            yield

    @property
    def _opened(self) -> Opened:
        return self._files.opened

    def _view(self, connection: sqlite3.Connection, served: Served) -> View:
        with reading(self._path):
            position, changed, journal_from = state(connection)
        if not journal_from <= served.position <= position:
            raise CorruptCollection(
                f"collection {self._path}: generation {served.generation} is of position"
                f" {served.position}, the journal from {journal_from} to {position}",
                remedy="serve another with: mitame rollback; or restore a backup",
            )
        newest = self._files.newest
        table = newest.table
        if table.changed != changed:
            with reading(self._path):
                table = read_lenses(connection, self._path)
            newest.offer(table)
        return View(self._path, connection, position, table, served)
