"""The run itself: source -> units -> workers -> batches in the journal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mitame.collection import Change, Remove, Store
from mitame.embedders.protocol import Embedder
from mitame.errors import MitameError, StorageError
from mitame.images.candidate import Source
from mitame.images.limits import MIB, ImageLimits
from mitame.ingest.bounded import bounded_map
from mitame.ingest.description import patches
from mitame.ingest.known import Rejected, Unit, Vanished, lost_items, units
from mitame.ingest.report import IndexReport, OnProgress, Progress
from mitame.ingest.walk import Walk
from mitame.ingest.work import Done, Worker
from mitame.thumbnails.store import ThumbnailStore

BATCH_ITEMS = 256
BATCH_SECONDS = 0.5
MAX_CHUNK = 32
CHUNK_BYTES = 32 * MIB


def index(
    store: Store,
    embedders: Mapping[str, Embedder],
    sources: Sequence[Source],
    *,
    prefix: str = "",
    prune: bool = False,
    threads: int | None = None,
    limits: ImageLimits | None = None,
    copies: ThumbnailStore | None = None,
    thumbnails: ThumbnailStore | None = None,
    on_progress: OnProgress | None = None,
) -> IndexReport:
    """Bring a collection in line with sources.

    Unchanged files are skipped (by size and time on disk, else by content), moved ones are
    recognised by content, and every image that can't be used is reported, never raised; so is a
    source that breaks off. At most ``8 x threads`` chunks of pictures are under way at once, and
    of those that are in memory before they are read, 256 MiB; what is counted in the report is
    durable.

    Args:
        store: where the items go.
        embedders: one per lens of the store.
        sources: where the pictures come from.
        prefix: put before every id.
        prune: remove items whose file vanished from its source.
        threads: workers; the number of usable cores when None.
        limits: bounds on bytes and pixels of a picture.
        copies: gets small copies of pictures that lie at an address elsewhere.
        thumbnails: gets those of new items, in the page's sizes; none are made where None.
        on_progress: called on this thread after every few images.

    Raises:
        StorageError: the disk is full or read-only; what was acknowledged before is kept.
    """
    workers = threads or usable_cores()
    run = _Run(store, on_progress or (lambda _: None))
    bounds = limits or ImageLimits()
    vanished = Vanished(store)
    worker = Worker(store, embedders, vanished, bounds, copies=copies, thumbnails=thumbnails)
    batch = min(MAX_CHUNK, max(embedder.batch_size for embedder in embedders.values()))
    _count_ahead(sources, run.progress)
    walks = [Walk(source, prefix) for source in sources]
    try:
        work = _chunks(run.to_do(units(store, walks)), batch, workers, run.progress)
        for results in bounded_map(
            worker, work, threads=workers, window=8 * workers, weigh=_weight
        ):
            for done in results:
                run.take(done)
        run.flush()
        run.settle_vanished(walks, prune=prune)
    except KeyboardInterrupt:
        run.report.interrupted = True
        run.flush()
    except StorageError:
        raise
    except BaseException:
        # whatever ended the run, what has been worked on is not lost
        run.flush()
        raise
    run.report.passed_over = sum(getattr(source, "skipped", 0) for source in sources)
    run.report.finish()
    return run.report


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Run:
    """One run's bookkeeping: counts what is durable, and only then."""

    store: Store
    on_progress: OnProgress
    report: IndexReport = field(default_factory=IndexReport)
    progress: Progress = field(default_factory=Progress)
    _waiting: list[Done] = field(default_factory=list)
    _flushed: float = field(default_factory=time.monotonic)

    def to_do(self, offers: Iterator[Unit | Rejected]) -> Iterator[Unit]:
        """The units that need a worker; the others are settled on the way."""
        for offer in offers:
            if isinstance(offer, Rejected):
                self.report.refused.append(offer.refused)
                self._step(offer.images)
            elif offer.unchanged:
                self._settle_unchanged(offer)
            else:
                yield offer

    def _settle_unchanged(self, unit: Unit) -> None:
        try:
            changes = patches(unit)
        except MitameError as error:
            self.report.refused.append(unit.walk.refused(unit.candidates[0].place, error))
            self._step(len(unit.candidates))
            return
        self.take(Done.of(unit, "updated" if changes else "unchanged", changes))

    def take(self, done: Done) -> None:
        """Queue a unit's changes for the next batch; write the batch when it is due."""
        self.report.refused.extend(done.refused)
        self._waiting.append(done)
        self._step(done.images)
        due = time.monotonic() - self._flushed > BATCH_SECONDS
        if due or len(self._waiting) >= BATCH_ITEMS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting in one durable transaction, then count it."""
        waiting, self._waiting = self._waiting, []
        changes = [change for done in waiting for change in done.changes]
        try:
            self._append(changes)
        except StorageError:
            raise
        except MitameError:
            self._append_singly(waiting)
        else:
            for done in waiting:
                self._count(done)
        self._flushed = time.monotonic()

    def _append(self, changes: list[Change]) -> None:
        if changes:
            self.store.append(changes)

    def _append_singly(self, waiting: list[Done]) -> None:
        """One item that the collection refuses must not take its batch with it."""
        for done in waiting:
            try:
                self._append(list(done.changes))
            except StorageError:
                raise
            except MitameError as error:
                self.report.refused.append(done.walk.refused(done.place, error))
            else:
                self._count(done)

    def _count(self, done: Done) -> None:
        if done.outcome:
            self.report.count(done.outcome, done.images - len(done.refused))

    def _step(self, images: int) -> None:
        self.progress.done += images
        self.on_progress(self.progress)

    def settle_vanished(self, walks: Sequence[Walk], *, prune: bool) -> None:
        """Remove, or only count, the items that have lost every image.

        Nothing is removed on the word of a source that offered nothing or broke off.
        """
        settled: set[str] = set()
        for walk in walks:
            gone = [item for item in lost_items(self.store, walk) if item not in settled]
            settled.update(gone)
            if not (prune and walk.may_prune):
                self.report.vanished += len(gone)
                continue
            for start in range(0, len(gone), BATCH_ITEMS):
                batch = gone[start : start + BATCH_ITEMS]
                self._append([Remove(item) for item in batch])
                self.report.removed += len(batch)


def _chunks(
    units: Iterable[Unit], batch: int, workers: int, progress: Progress
) -> Iterator[list[Unit]]:
    """Units in lists of one call each.

    The lists grow, doubling after every two per worker, from one batch to `MAX_CHUNK`: few pictures
    are shared among all threads, and of many each thread works on a row of them, which saves
    handing over (7 % of the time with two threads). Towards the end they shrink, where the total
    is known, so that no thread is left alone with a long list. A picture that has to come from
    afar, of unknown size, or that is in memory already ends its list.
    """
    chunk: list[Unit] = []
    held = count = offered = 0
    for unit in units:
        chunk.append(unit)
        held += unit.held
        offered += len(unit.candidates)
        size = min(MAX_CHUNK, batch << min(count // (2 * workers), 5))
        if progress.total:
            size = max(batch, min(size, (progress.total - offered) // (4 * workers)))
        slow = unit.held or unit.candidates[0].size is None
        short = slow and len(chunk) >= batch
        if len(chunk) >= size or held >= CHUNK_BYTES or short:
            yield chunk
            chunk, held, count = [], 0, count + 1
    if chunk:
        yield chunk


def _weight(chunk: Sequence[Unit]) -> int:
    return sum(unit.held for unit in chunk)


def _count_ahead(sources: Sequence[Source], progress: Progress) -> None:
    """Count the offers on a thread of its own, where that is cheap, for the ETA."""
    if not all(source.countable for source in sources):
        return

    def count() -> None:
        # The run meets the same error and tells it; here it only means that there is no total.
        with suppress(Exception):
            progress.total = sum(1 for source in sources for _ in source)

    threading.Thread(target=count, name="mitame-count", daemon=True).start()
