"""The merge: a new snapshot beside the old one, then one replace that switches to it.

The plan is written from one moment of the database; vectors are copied afterwards, outside of any
transaction, and a merge that was killed goes on with what is whole. Readers and writers go on
meanwhile: what they write is in the next delta.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from mitame.collection.base import Base
from mitame.collection.cleanup import clean
from mitame.collection.derived import Derivation
from mitame.collection.generations import Generations, name_of
from mitame.collection.lens_table import LensTable, StoredLens
from mitame.collection.log import Log
from mitame.collection.logcheck import damaged_rows
from mitame.collection.neighbor_table import facts_of
from mitame.collection.paths import MERGE_LOCK
from mitame.collection.planning import plan, vector_blocks
from mitame.collection.recalls import keep_recalls
from mitame.collection.root import serve
from mitame.collection.served import Served
from mitame.collection.snapshot import LensPlan, Planned, SnapshotBuilder, VectorType
from mitame.collection.snapshot.part import check_digest
from mitame.collection.steps import STEPS
from mitame.collection.view import View
from mitame.collection.writer import Writer
from mitame.errors import CorruptCollection, MitameError, StorageError, UsageError
from mitame.storage import Directory

OnProgress: TypeAlias = Callable[[int, int], None]
Pin: TypeAlias = Callable[[], AbstractContextManager[View]]
_BUILDING = ".building-"


@dataclass(frozen=True)
class _Task:
    """One merge: from the served generation to the one with this number."""

    pin: Pin
    served: Served
    number: int
    dtype: VectorType
    rebuild: bool
    neighbors: int | None
    on_progress: OnProgress

    @property
    def is_wanted_anyway(self) -> bool:
        """Also where nothing has changed."""
        snapshot, wanted = self.served.snapshot, self.neighbors
        if self.rebuild or snapshot is None or wanted is None:
            return self.rebuild
        return any(
            (facts := facts_of(lens)) is None or facts.k != wanted or facts.note
            for lens in snapshot.lenses.values()
        )

    @property
    def folder(self) -> str:
        """Where it is built."""
        return f"{_BUILDING}{name_of(self.number)}"


class Merger:
    """Makes, switches and removes the generations of one collection.

    Every method holds the merge lock for its length, so that there is one at a time.

    Args:
        directory: the collection's.
        log, generations, writer: of it.
    """

    def __init__(
        self, directory: Directory, log: Log, generations: Generations, writer: Writer
    ) -> None:
        self._directory = directory
        self._log = log
        self._generations = generations
        self._writer = writer

    def merge(
        self,
        pin: Pin,
        *,
        keep: int,
        dtype: VectorType,
        rebuild: bool,
        neighbors: int | None,
        on_progress: OnProgress,
    ) -> int | None:
        """Make a snapshot of everything and serve it; see `Store.merge`.

        Args:
            pin: gives a view of now.
            keep, dtype, rebuild, neighbors, on_progress: as in `Store.merge`.
        """
        if keep < 1:
            raise UsageError(f"{keep} generations can't be kept", remedy="keep at least one")
        with self._directory.lock(MERGE_LOCK):
            served = self._generations.acquire()
            try:
                newest = max([served.generation, *self._generations.numbers()])
                task = _Task(pin, served, newest + 1, dtype, rebuild, neighbors, on_progress)
                number = task.number if self._build(task) else None
            finally:
                self._generations.release(served)
            if number is not None:
                serve(self._directory, number)
            self._generations.move_on()
            if number is not None:
                self._keep_recalls(number)
            clean(self._directory, self._generations, self._writer, keep)
            return number

    def _keep_recalls(self, number: int) -> None:
        """A merge is worth more than a note of it: what can't be kept is left out."""
        path, served = self._directory.path, self._generations.acquire()
        try:
            if path is not None and served.snapshot is not None:
                with suppress(MitameError):
                    keep_recalls(path, number, served.snapshot)
        finally:
            self._generations.release(served)

    def rollback(self, number: int) -> None:
        """Serve another generation that there is; see `Store.rollback`."""
        with self._directory.lock(MERGE_LOCK):
            numbers = self._generations.numbers()
            if number not in numbers:
                known = ", ".join(map(str, numbers)) or "none yet"
                raise UsageError(f"there is no generation {number}", remedy=f"there are: {known}")
            self._generations.open(number)
            serve(self._directory, number)

    def _build(self, task: _Task) -> bool:
        """Build a snapshot and give it its name; false where nothing has changed."""
        folder = self._generations.folder
        for name in folder.names():
            if name.startswith(_BUILDING) and name != task.folder:
                folder.remove(name)
        try:
            if not self._write(task):
                return False
        except StorageError:
            # A disk that is full must not stay so for the sake of a merge.
            with suppress(MitameError):
                folder.remove(task.folder)
            raise
        folder.rename(task.folder, name_of(task.number))
        folder.sync()
        return True

    def _write(self, task: _Task) -> bool:
        with task.pin() as view:
            if view.position == task.served.position and not task.is_wanted_anyway:
                return False
        self._check_base(task.served)
        folder = self._generations.folder
        builder = SnapshotBuilder(folder.child(task.folder), dtype=task.dtype)
        folder.sync()
        self._directory.sync()
        found = builder.planned
        with task.pin() as view:  # only as long as is needed: it keeps SQLite's log from shrinking
            _check_log(view, self._log)
            lenses = found.lenses if found is not None and _is_usable(found, view, task) else None
            if lenses is None:
                made = plan(view, task.number)
                builder.write_plan(made)
                lenses = made.lenses
            table = view.table
        self._fill(builder, lenses, table, task)
        builder.finish()
        return True

    def _check_base(self, served: Served) -> None:
        """Damage must not be copied into a snapshot whose checksums then say that all is well."""
        if served.snapshot is not None:
            folder = self._generations.folder_of(served.generation)
            for part in served.snapshot.manifest.parts.values():
                if not part.optional:  # those are made anew
                    check_digest(folder, part)

    def _fill(
        self, builder: SnapshotBuilder, lenses: Sequence[LensPlan], table: LensTable, task: _Task
    ) -> None:
        """Write the vectors, and what is made from them."""
        entries = {entry.key: entry for entry in table.stored.values()}
        work = _Work(builder.vector_bytes * (1 + len(STEPS)), task.on_progress)
        for lens in lenses:
            entry = entries[lens.key]
            base = _base(task.served, entry)
            blocks = vector_blocks(lens, base, entry, self._log)
            builder.write_vectors(lens.key, blocks, work.add)
        for lens in lenses:
            entry = entries[lens.key]
            base = _base(task.served, entry)
            size = builder.vectors(lens.key).nbytes
            for step in STEPS:
                with work.part(size) as on_share:
                    step(
                        Derivation(
                            entry, lens, base, builder, task.neighbors, task.rebuild, on_share
                        )
                    )


class _Work:
    """How much of a merge is done, in bytes of vectors gone over."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._done = 0
        self._total = total
        self._on_progress = on_progress

    def add(self, new: int) -> None:
        """So much more is done."""
        self._done += new
        self._on_progress(self._done, self._total)

    @contextmanager
    def part(self, size: int) -> Iterator[Callable[[float], None]]:
        """A part of the work, told by the share of it that is done; all of it at the end."""
        before = self._done

        def on_share(share: float) -> None:
            self.add(max(0, before + int(size * min(1.0, share)) - self._done))

        yield on_share
        on_share(1.0)


def _base(served: Served, entry: StoredLens) -> Base:
    kept = None if served.snapshot is None else served.snapshot.lenses.get(entry.key)
    return Base(kept, entry.lens.spec.dimension, entry.lens.spec.distance)


def _is_usable(found: Planned, view: View, task: _Task) -> bool:
    """Every row of the plan is in the served snapshot or in the log still."""
    keys = set(view.table.keys.values())
    return (
        found.generation == task.number
        and task.served.position <= found.position <= view.position
        and all(lens.key in keys for lens in found.lenses)
    )


def _check_log(view: View, log: Log) -> None:
    for name, entry in view.stored.items():
        rows = view.lens_rows(name)
        for text in damaged_rows(view, log, entry, rows.base.log_rows):
            raise CorruptCollection(
                f"lens {name!r}: {text}",
                remedy="look at the whole with: mitame verify; then restore a backup",
            )
