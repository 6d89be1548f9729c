"""Give a new lens a vector for every image that is there, while all else goes on.

What a change of the embedder needs: the new lens is filled beside the old one, both can be asked,
and one switch of names makes the new one answer. Interrupted, it goes on where it stopped, because
only images without a vector are worked on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from mitame.collection import Attach, MissingImage, Store
from mitame.embedders.protocol import Embedder
from mitame.errors import ItemNotFound, MitameError, UnreadableFile, UsageError
from mitame.images.candidate import Candidate, Refused
from mitame.images.decode import decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.sources import ArchiveSource, fetch, read_file
from mitame.ingest.bounded import bounded_map
from mitame.ingest.pipeline import BATCH_ITEMS, BATCH_SECONDS, usable_cores
from mitame.ingest.places import archive_of
from mitame.ingest.report import OnProgress, Progress
from mitame.thumbnails.copying import FarCopies
from mitame.thumbnails.store import ThumbnailStore

BLOCK = 1_024
Result: TypeAlias = Attach | Refused


@dataclass
class FillReport:
    """What became of the images that lacked a vector.

    Attributes:
        filled: images that have one now.
        refused: images whose picture could not be had, or is another one by now.
        seconds: wall time.
        interrupted: stopped by Ctrl-C; what is counted is kept.
    """

    filled: int = 0
    refused: list[Refused] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False


def fill_lens(
    store: Store,
    lens: str,
    embedder: Embedder,
    *,
    threads: int | None = None,
    limits: ImageLimits | None = None,
    allow_private: bool = False,
    copies: ThumbnailStore | None = None,
    on_progress: OnProgress | None = None,
) -> FillReport:
    """Embed every image that has no vector for a lens, from where the image came.

    Args:
        store: the collection.
        lens: name of a lens of it.
        embedder: the lens's.
        threads: workers; the number of usable cores when None.
        limits: bounds on bytes and pixels of a picture.
        allow_private: fetch from private network addresses, too.
        copies: gets small copies of pictures that lie at an address elsewhere.
        on_progress: called after every image, with the total.

    Raises:
        StorageError: the disk is full or read-only; what was written before is kept.
    """
    workers = threads or usable_cores()
    work = _Work(lens, embedder, limits or ImageLimits(), allow_private, copies)
    run = _Run(store, on_progress or (lambda _: None))
    started = time.perf_counter()
    with store.pin() as view:
        run.progress.total = view.count_missing(lens)
    try:
        images = _missing(store, lens)
        for result in bounded_map(work, images, threads=workers, window=8 * workers):
            run.take(result)
    except KeyboardInterrupt:
        run.report.interrupted = True
    run.flush()
    run.report.seconds = time.perf_counter() - started
    return run.report


def _missing(store: Store, lens: str) -> Iterator[MissingImage]:
    """Images without a vector, in short views, so that no transaction is held for long."""
    after: tuple[str, int] | None = None
    while True:
        with store.pin() as view:
            block = list(view.missing(lens, after=after, limit=BLOCK))
        yield from block
        if len(block) < BLOCK:
            return
        after = (block[-1].id, block[-1].ordinal)


class _Work:
    """Called from several threads: one image's picture to the change that adds its vector."""

    def __init__(
        self,
        lens: str,
        embedder: Embedder,
        limits: ImageLimits,
        allow_private: bool,
        copies: ThumbnailStore | None,
    ) -> None:
        self._lens = lens
        self._embedder = embedder
        self._limits = limits
        self._allow_private = allow_private
        self._copies = FarCopies(copies, limits)

    def __call__(self, image: MissingImage) -> Result:
        try:
            data = self._read(image)
            digest = content_hash(data)
            if image.content_hash is not None and digest != image.content_hash:
                raise UsageError("it is another picture by now", remedy="index its folder again")
            decoded = decode(data, limits=self._limits, min_side=self._embedder.decode_side)
            self._copies.keep(digest, image.source, decoded.pixels)
            vector = self._embedder.embed([self._embedder.prepare(decoded.pixels)])[0]
        except MitameError as error:
            return Refused(image.source or image.id, error)
        prints = {self._lens: self._embedder.spec.fingerprint}
        return Attach(image.id, image.content_hash, {self._lens: vector}, fingerprints=prints)

    def _read(self, image: MissingImage) -> bytes:
        source = image.source
        if source is None:
            raise UnreadableFile(f"item {image.id!r} has no picture, only vectors")
        if "://" in source:
            most = self._limits.max_bytes
            return fetch(source, allow_private=self._allow_private, max_bytes=most)
        archive = archive_of(source)
        if archive is not None:
            return _member(archive, source, self._limits)
        return read_file(Path(source), self._limits)


def _member(archive: str, location: str, limits: ImageLimits) -> bytes:
    offers: Iterable[Candidate | Refused] = ArchiveSource(archive, limits=limits)
    for offer in offers:
        if isinstance(offer, Candidate) and offer.location == location:
            return offer.read()
    raise UnreadableFile(f"{location} is not there any more")


class _Run:
    """Writes results in batches and counts what is durable."""

    def __init__(self, store: Store, on_progress: OnProgress) -> None:
        self.report = FillReport()
        self.progress = Progress()
        self._store = store
        self._on_progress = on_progress
        self._waiting: list[Attach] = []
        self._flushed = time.monotonic()

    def take(self, result: Result) -> None:
        if isinstance(result, Refused):
            self.report.refused.append(result)
        else:
            self._waiting.append(result)
        self.progress.done += 1
        self._on_progress(self.progress)
        if len(self._waiting) >= BATCH_ITEMS or time.monotonic() - self._flushed > BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            if waiting:
                self._store.append(waiting)
            self.report.filled += len(waiting)
        except (ItemNotFound, UsageError):
            # Somebody removed or replaced one of the items meanwhile: the others still count.
            for change in waiting:
                self._append_if_there(change)
        self._flushed = time.monotonic()

    def _append_if_there(self, change: Attach) -> None:
        try:
            self._store.append([change])
            self.report.filled += 1
        except (ItemNotFound, UsageError) as error:
            self.report.refused.append(Refused(change.id, error))


def coverage(store: Store) -> Mapping[str, int]:
    """How many images have no vector yet, per lens."""
    with store.pin() as view:
        return {name: view.count_missing(name) for name in view.lenses}
