"""The collection as a whole: brought in line with folders, given lenses, tuned."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from mitame.arguments import check_megabytes, check_targets, lens_of
from mitame.collection import Choice
from mitame.collection.paths import THUMBNAILS
from mitame.config import MB
from mitame.door.held import Held
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import MitameError, UsageError
from mitame.thumbnails.store import ThumbnailStore

if TYPE_CHECKING:
    from mitame.collection import Evaluation
    from mitame.collection.evaluations import Kind
    from mitame.images.candidate import Source
    from mitame.ingest import IndexReport
    from mitame.ingest.bad_files import BadFile
    from mitame.ingest.filling import FillReport
    from mitame.ingest.report import OnProgress


class Whole(Held):
    """What is done with all items at once. Imports wait for the call: a search needs none of it."""

    def index(
        self,
        *targets: str | os.PathLike[str],
        category_from_folder: bool = False,
        prefix: str = "",
        prune: bool = False,
        allow_outside: bool = False,
        thumbnails_mb: float = 0,
        on_progress: OnProgress | None = None,
    ) -> IndexReport:
        """Bring the collection in line with folders, archives, manifests or lists of URLs.

        A second call skips what did not change. Ctrl-C stops it cleanly: the report then says
        ``interrupted`` and counts what was kept.

        Args:
            targets: paths or URLs.
            category_from_folder: an image's folder is its item's category.
            prefix: put before every id, to keep two folders apart.
            prune: remove items whose file vanished from its target.
            allow_outside: a manifest may name files outside its own folder.
            thumbnails_mb: make the thumbnails that the page is going to ask for, of all items
                that lack them, as long as so many megabytes hold them. A server makes them when
                it has nothing else to do. 0 makes none.
            on_progress: called after every few images.
        """
        from mitame.images.sources import open_source
        from mitame.ingest import index

        sources = [
            open_source(
                target,
                category_from_folder=category_from_folder,
                allow_outside=allow_outside,
                allow_private=self._allow_private,
                limits=self._limits,
            )
            for target in check_targets(targets)
        ]
        if not isinstance(prefix, str):
            raise UsageError(f"prefix is a {type(prefix).__name__}", remedy="give text")
        most = int(check_megabytes(thumbnails_mb, "thumbnails_mb") * MB)
        made = ThumbnailStore(self._store.path / THUMBNAILS, most)
        report = index(
            self._store,
            self._embedders.all(self.lenses),
            sources,
            prefix=prefix,
            prune=prune,
            threads=self._threads,
            limits=self._limits,
            copies=self._copies,
            thumbnails=made if most else None,
            on_progress=on_progress,
        )
        self._keep_bad(sources, report)
        if most and not report.interrupted:
            self._show_all(made, report)
        made.close()
        return report

    def _show_all(self, made: ThumbnailStore, report: IndexReport) -> None:
        """Make the thumbnails of items that were there before, too."""
        from mitame.ingest.thumbnails import make_thumbnails

        try:
            report.thumbnails = make_thumbnails(
                self._store, made, self._copies, threads=self._threads, limits=self._limits
            )
        except KeyboardInterrupt:
            report.interrupted = True

    def bad_files(
        self, after: str = "", limit: int = 100, *, code: str | None = None
    ) -> list[BadFile]:
        """Files that could not be indexed, as the last look at each source found them.

        Args:
            after: begin past this location.
            limit: at most so many; they are in the order of their locations.
            code: only with this error's code.
        """
        from mitame.ingest.bad_files import BadFiles

        with closing(BadFiles(self._store.path)) as kept:
            return kept.files(after, limit, code)[0]

    def _keep_bad(self, sources: Sequence[Source], report: IndexReport) -> None:
        from mitame.ingest.bad_files import BadFiles

        with suppress(MitameError), closing(BadFiles(self._store.path)) as kept:
            kept.keep(sources, report)  # what was indexed is worth more than this list

    def add_lens(
        self, name: str, embedder: str | EmbedderSpec, *, on_progress: OnProgress | None = None
    ) -> FillReport:
        """Add a lens, and give every image a vector for it from where the image came.

        Both the new and the old lenses answer meanwhile. Called again for a lens of the same
        embedder, it goes on with the images that have no vector yet.

        Raises:
            SpecMismatch: there is a lens of this name with another embedder.
        """
        from mitame.ingest.filling import fill_lens
        from mitame.ingest.lens_changes import new_or_same

        lens = new_or_same(self._store, name, embedder)
        return fill_lens(
            self._store,
            name,
            self._embedders.of(lens),
            threads=self._threads,
            limits=self._limits,
            allow_private=self._allow_private,
            copies=self._copies,
            on_progress=on_progress,
        )

    def switch_lenses(self, name: str, other: str, *, force: bool = False) -> None:
        """Exchange the names of two lenses, at once for every process; again leads back.

        Raises:
            UsageError: images have no vector for one of them yet, and `force` is false.
        """
        from mitame.ingest.lens_changes import check_filled

        check_filled(self._store, (name, other), force=force)
        self._store.swap_lenses(name, other)

    def tune(
        self,
        *,
        recall: float = 0.95,
        k: int = 10,
        memory: int | None = None,
        latency: float | None = None,
        lens: str | None = None,
        engines: Iterable[str] | None = None,
        budget: float | None = None,
        apply: bool = False,
    ) -> Choice:
        """Measure engines on the collection's own vectors; keep the quickest that does it.

        Args:
            recall: share of the true k nearest that answers must have, above 0, at most 1.
            k: how many neighbours, 1 to 1,000.
            memory: at most so many bytes beside the vectors.
            latency: 99 of 100 queries take at most so many seconds.
            lens: which; the first one when None.
            engines: only these; all that are installed when None.
            budget: seconds to spend; 20 to 120, by size, when None.
            apply: build and serve the index at once; else the next merge does.

        Returns:
            The engine with its settings, its effort and why. A report is kept in the folder
            ``reports`` of the collection.

        Raises:
            UsageError: a value out of range, an unknown engine, fewer than two vectors.
            MissingExtra: an engine that was named is not installed.
        """
        from mitame.choosing.lens import tune_lens
        from mitame.choosing.wish import Wish

        wish = Wish(recall, k, memory, latency)
        name, only = lens_of(self.lenses, lens).name, None if engines is None else list(engines)
        tuning, _ = tune_lens(self._store, name, wish, engines=only, budget=budget)
        if apply:
            self._store.merge()
        return tuning.choice

    def evaluate(
        self,
        *,
        lens: str | None = None,
        k: int = 10,
        sample: int | None = None,
        keep: bool = True,
    ) -> list[Evaluation]:
        """Measure how often an item's neighbours have its category, and keep the result.

        Args:
            lens: which; each in turn that has vectors when None.
            k: how many neighbours each item is asked for, 1 to 1,000.
            sample: ask only so many items, the same ones each time; all when None.
            keep: with the collection, for `evaluations`.

        Returns:
            One for each lens, with ``measures`` by name: ``share`` of the neighbours with the
            item's own category, ``first`` and ``found`` (of the items, those whose nearest, or
            any, neighbour has it), and what ``chance`` would give; 0 to 1.

        Raises:
            NoCategories: the items have fewer than two categories.
            UsageError: a value out of range, or no item has neighbours in the lens.
            UnknownLens: there is no such lens.
        """
        from mitame.evaluation.evaluating import evaluated, keep_evaluations

        name = None if lens is None else lens_of(self.lenses, lens).name
        with self._store.pin() as view:
            found = evaluated(view, name, k=k, sample=sample)
        return keep_evaluations(self.path, found) if keep else found

    def evaluations(
        self,
        *,
        limit: int = 100,
        kind: Kind | None = None,
        lens: str | None = None,
        cursor: int | None = None,
    ) -> list[Evaluation]:
        """What was measured of the answers over time, the newest first.

        Args:
            limit: at most so many.
            kind: ``categories`` as `evaluate` measures, or ``recall`` of the indexes as merges do.
            lens: only of this one.
            cursor: go on behind the one with this sequence number.
        """
        from mitame.evaluation.evaluating import kept_evaluations

        return kept_evaluations(self.path, cursor, limit, kind=kind, lens=lens)
