"""A collection that is open: written to, pinned for reading, merged, backed up.

Directory of a collection: ``collection.sqlite3`` (items, images, journal), ``log/`` (vectors),
``snapshots/`` and ``manifest.json`` (which snapshot is served). Any number of processes may read
and write at once, and one merges meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from mitame.collection import lens_table
from mitame.collection.backup import back_up
from mitame.collection.changes import Change, Made
from mitame.collection.check import problems
from mitame.collection.choice import Choice
from mitame.collection.database import translated
from mitame.collection.delta import delta_counts
from mitame.collection.generations import GenerationInfo
from mitame.collection.lens import Lens
from mitame.collection.merge import OnProgress
from mitame.collection.neighbor_table import MAX_K
from mitame.collection.pinning import Pinning
from mitame.collection.policy import DeltaCounts
from mitame.collection.snapshot import VectorType
from mitame.collection.writer import Writer
from mitame.errors import MitameError, UsageError
from mitame.storage import LocalDirectory

KEEP_GENERATIONS = 2


class Store(Pinning):
    """An open collection. Safe to use from several threads at once; survives `os.fork`.

    Made by `create` and `open_store`; close it, or use it in a with statement.
    """

    @property
    def lenses(self) -> Mapping[str, Lens]:
        """Its lenses by name, the default one first, as they were when this was last used."""
        return self._files.newest.table.lenses

    def append(self, changes: Sequence[Change]) -> int:
        """Make changes, in order, all of them or none.

        They are on the disk, and every process sees them at its next `pin`, when this returns.
        Threads that append at once share the wait for the disk.

        Returns:
            The journal position after them, which only ever grows.

        Raises:
            InvalidId, InvalidVector, SpecMismatch, UnknownLens, UsageError: a change is wrong.
            ItemNotFound, ItemExists, PreconditionFailed: a change does not fit what is there.
            CollectionBusy, StorageError, CorruptCollection: it could not be written.
        """
        return self._writer.append(changes)

    def append_and_tag(self, changes: Made, item_id: str) -> tuple[int, str | None]:
        """As `append`, with changes made for the lenses that are there when they are written.

        They may be made twice: for the lenses as they are known, and again where those are others.

        Args:
            changes: makes them.
            item_id: of the item whose tag is wanted.

        Returns:
            The journal position after them, and the tag (see `View.tag`) that the item had right
            then, whatever others have done to it since; None where there was none.
        """
        return self._writer.append_and_tag(changes, item_id)

    def append_each(self, groups: Sequence[Sequence[Change]]) -> list[int | MitameError]:
        """As `append` for each group of changes, in order, with one wait for the disk.

        Returns:
            For each group the journal position after it, or the error that `append` would raise:
            then nothing of the group was done, and the others were.
        """
        return self._writer.append_each(groups)

    def merge(
        self,
        *,
        keep: int = KEEP_GENERATIONS,
        dtype: VectorType = "float32",
        rebuild: bool = False,
        neighbors: int | None = None,
        on_progress: OnProgress = lambda *_: None,
    ) -> int | None:
        """Make a snapshot of everything and serve it, while others read and write.

        One that was killed is gone on with, and is of the moment at which that began. Afterwards
        the newest `keep` generations stay, and those that somebody serves still; what only older
        ones need is removed.

        Args:
            keep: at least 1.
            dtype: of the vectors in it; ``float16`` halves them and keeps about three digits.
            rebuild: also where nothing has changed: an index that is damaged, or that another
                engine would serve now, is made anew.
            neighbors: how many the neighbour table is to have per item, 0 to 10,000, from this
                merge on; 0 for no table. As before where None, which is 100 at first.
            on_progress: called with work done and to do, in bytes of vectors gone over.

        Returns:
            The new generation's number; None where nothing has changed since the served one.

        Raises:
            CollectionBusy: another merge or rollback is under way.
            CorruptCollection: the served snapshot or the log is damaged; it is not copied on.
            StorageError: the disk is full or read-only. The older generation is served still, or
                the new one is, and what is not needed any more was not all removed.
        """
        if neighbors is not None and not 0 <= neighbors <= MAX_K:
            raise UsageError(
                f"a neighbour table can't have {neighbors} per item", remedy=f"use 0 to {MAX_K}"
            )
        return self._opened.merger.merge(
            self.pin,
            keep=keep,
            dtype=dtype,
            rebuild=rebuild,
            neighbors=neighbors,
            on_progress=on_progress,
        )

    def rollback(self, generation: int) -> None:
        """Serve an older generation, or a newer one again; no item changes.

        Raises:
            UsageError: there is no such generation.
            CollectionBusy: a merge is under way.
            CorruptCollection, NewerFormat: it can't be opened.
        """
        self._opened.merger.rollback(generation)

    def generations(self) -> list[GenerationInfo]:
        """The snapshots that there are, by number."""
        return self._opened.generations.infos()

    def delta(self) -> DeltaCounts:
        """How much has happened since the snapshot that is served; see `should_merge`."""
        with self.pin() as view:
            return delta_counts(view, time.time())

    def add_lens(self, lens: Lens) -> int:
        """Add a lens, for which no image has a vector yet (see `Attach`); the new position.

        Raises:
            UsageError: there is one of this name.
        """
        return self._writer.transact(lambda c, known: lens_table.add(c, known, lens))

    def swap_lenses(self, one: str, other: str) -> int:
        """Exchange the names, and places in the order, of two lenses; the new position.

        So a lens gets another embedder, at once and for all: its new vectors are attached under
        another name first. Doing it again goes back.

        Raises:
            UnknownLens, UsageError: they are not two lenses.
        """
        return self._writer.transact(lambda c, known: lens_table.swap(c, known, one, other))

    def drop_lens(self, name: str) -> int:
        """Drop a lens with all its vectors; the new position.

        Raises:
            UnknownLens: there is none.
            UsageError: it is the last one.
        """
        return self._writer.transact(lambda c, known: lens_table.drop(c, known, name))

    def choose(self, lens: str, choice: Choice | None) -> int:
        """Say which engine a lens is to be searched with from the next merge on.

        Args:
            lens: its name.
            choice: None for what suits the number of rows.

        Returns:
            The new position: a merge is due that builds the index.

        Raises:
            UnknownLens: there is no such lens.
            UsageError: the choice can't be kept.
        """
        return self._writer.transact(lambda c, known: lens_table.choose(c, known, lens, choice))

    def backup(self, destination: Path, on_progress: OnProgress = lambda *_: None) -> None:
        """Copy the collection as it is now, while others go on to write.

        Args:
            destination: a directory that does not exist yet.
            on_progress: called with bytes done and to do, the database's left out.

        Raises:
            CollectionExists: there is something at the destination.
            StorageError: the disk does not let us.
        """
        with translated(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
        target = LocalDirectory(destination.parent)
        with self.pin() as view:
            back_up(view, self._directory, target, destination.name, on_progress=on_progress)

    def check(self, *, optional: bool = True) -> list[str]:
        """What is wrong with the files, in words; empty when all is well. Reads everything.

        Args:
            optional: also look at what a merge can make again: indexes, neighbour tables.
        """
        opened = self._opened
        with self.pin() as view:
            return problems(view, opened.log, opened.generations, optional=optional)

    def close(self) -> None:
        """Let go of the files, after the write under way; doing it twice does nothing."""
        self._files.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _writer(self) -> Writer:
        return self._opened.writer
