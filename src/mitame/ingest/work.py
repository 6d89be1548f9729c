"""What one worker thread does with a handful of items: read, decode, prepare, embed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import (
    Change,
    Item,
    ItemImage,
    Put,
    Relocate,
    Store,
    check_attributes,
)
from mitame.embedders.protocol import Embedder
from mitame.errors import ImageError, MitameError
from mitame.images.candidate import Candidate, Refused
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.ingest.description import described, patches
from mitame.ingest.known import Unit, Vanished
from mitame.ingest.report import Outcome
from mitame.ingest.walk import Walk
from mitame.thumbnails.copying import FarCopies
from mitame.thumbnails.missing import make_of_file
from mitame.thumbnails.store import ThumbnailStore


@dataclass(frozen=True)
class Done:
    """What became of one unit.

    Attributes:
        place: where the item's first image is.
        walk: the walk that it comes from.
        images: how many were on offer; the candidates themselves may hold pictures and are let go.
        outcome: which count it belongs to; None when nothing of it could be used.
        changes: to append to the journal, in order; all belong together.
        refused: images of it that could not be used.
    """

    place: str
    walk: Walk
    images: int
    outcome: Outcome | None
    changes: tuple[Change, ...] = ()
    refused: tuple[Refused, ...] = ()

    @classmethod
    def of(
        cls,
        unit: Unit,
        outcome: Outcome | None,
        changes: Sequence[Change] = (),
        refused: Sequence[Refused] = (),
    ) -> Done:
        """What became of this unit."""
        place, images = unit.candidates[0].place, len(unit.candidates)
        return cls(place, unit.walk, images, outcome, tuple(changes), tuple(refused))


@dataclass
class _Picture:
    """One image on its way: metadata, and the prepared input of each lens."""

    candidate: Candidate
    content_hash: str
    size: int
    width: int
    height: int
    format: str
    prepared: Mapping[str, NDArray[Any]]
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def stored(self) -> ItemImage:
        return ItemImage(
            vectors=self.vectors,
            content_hash=self.content_hash,
            source=self.candidate.location,
            size=self.size,
            modified_ns=self.candidate.modified_ns,
            width=self.width,
            height=self.height,
            format=self.format,
        )


class Worker:
    """Called from several threads at once; keeps no state of its own between calls."""

    def __init__(
        self,
        store: Store,
        embedders: Mapping[str, Embedder],
        vanished: Vanished,
        limits: ImageLimits,
        *,
        copies: ThumbnailStore | None = None,
        thumbnails: ThumbnailStore | None = None,
    ) -> None:
        self._store = store
        self._embedders = embedders
        self._vanished = vanished
        self._limits = limits
        self._copies = FarCopies(copies, limits)
        self._thumbnails = thumbnails
        self._prints = {lens: each.spec.fingerprint for lens, each in embedders.items()}
        self._side = max(embedder.decode_side for embedder in embedders.values())

    def __call__(self, units: Sequence[Unit]) -> list[Done]:
        """Each unit's outcome, in order. Pictures of all units are embedded together."""
        halves = [self._prepare(unit) for unit in units]
        self._embed([picture for half in halves for picture in half.to_embed])
        return [self._finish(half) for half in halves]

    def _prepare(self, unit: Unit) -> _Half:
        half = _Half(unit)
        offers = zip(unit.candidates, unit.known, strict=True)
        for number, (candidate, known) in enumerate(offers):
            try:
                data = candidate.read()
                digest = content_hash(data)
                if len(unit.candidates) == 1:
                    half.settled = self._recognised(unit, digest, len(data), known)
                    if half.settled:
                        self._copies.keep_file(digest, candidate.location, data, self._side)
                        return half
                half.pictures[number] = self._decode(candidate, data, digest, is_first=number == 0)
            except MitameError as error:
                half.refuse(candidate, error)
            except Exception as error:
                # One picture that trips a bug must not end a run over a million; it is listed
                # like every other bad file, with what went wrong.
                reason = ImageError(f"unexpected {type(error).__name__} while reading: {error}")
                half.refuse(candidate, reason)
        if half.refused and half.pictures:
            half.kept = self._kept(half)
            half.settled = _nothing_new(half)
        return half

    def _kept(self, half: _Half) -> Mapping[int, ItemImage] | None:
        """Stored images, with their vectors, in place of those that are refused now.

        None where the item must stay as it is, because some of its images lack vectors.
        """
        unit = half.unit
        wanted = {n: unit.known[n] for n in half.missing if unit.known[n] is not None}
        if not wanted:
            return {}
        with self._store.pin() as view:
            stored = {lens: view.vectors(unit.id, lens) for lens in self._embedders}
        if any(len(vectors) != len(unit.item_images) for vectors in stored.values()):
            return None
        kept: dict[int, ItemImage] = {}
        for number, image in wanted.items():
            assert image is not None
            row = next(n for n, each in enumerate(unit.item_images) if each is image)
            kept[number] = replace(image, vectors={n: v[row] for n, v in stored.items()})
        return kept

    def _recognised(
        self, unit: Unit, digest: str, size: int, known: ItemImage | None
    ) -> Done | None:
        """The outcome for content that the collection has already, under this name or another."""
        outcome: Outcome
        if known is not None and known.content_hash == digest and len(unit.item_images) == 1:
            old, outcome = unit.id, "touched"
        elif unit.item is None and (found := self._vanished.claim(digest, unit.walk)):
            old, outcome = found.id, "moved"
        else:
            return None
        candidate = unit.candidates[0]
        move = Relocate(
            id=old,
            new_id=unit.id,
            content_hash=digest,
            source=candidate.location,
            size=size,
            modified_ns=candidate.modified_ns,
        )
        return Done.of(unit, outcome, (move, *patches(unit)))

    def _decode(
        self, candidate: Candidate, data: bytes, digest: str, *, is_first: bool
    ) -> _Picture:
        decoded = decode(data, limits=self._limits, min_side=self._side)
        self._copies.keep(digest, candidate.location, decoded.pixels)
        if is_first:
            self._show(data, digest, decoded)
        lenses = self._embedders.items()
        return _Picture(
            candidate=candidate,
            content_hash=digest,
            size=len(data),
            width=decoded.width,
            height=decoded.height,
            format=decoded.format,
            prepared={lens: embedder.prepare(decoded.pixels) for lens, embedder in lenses},
        )

    def _show(self, data: bytes, digest: str, decoded: Decoded) -> None:
        """Make thumbnails where they are wanted, of an item's first picture, which pages show.

        It is decoded anew where the lenses look at fewer pixels: vectors stay as they are.
        """
        if self._thumbnails is not None:
            image = ItemImage(content_hash=digest, width=decoded.width, height=decoded.height)
            rows = make_of_file(image, data, decoded.pixels, self._thumbnails, self._limits)
            if rows:
                self._thumbnails.keep_unseen(rows)

    def _embed(self, pictures: Sequence[_Picture]) -> None:
        for lens, embedder in self._embedders.items():
            for start in range(0, len(pictures), embedder.batch_size):
                batch = pictures[start : start + embedder.batch_size]
                vectors = embedder.embed([picture.prepared[lens] for picture in batch])
                for picture, vector in zip(batch, vectors, strict=True):
                    picture.vectors[lens] = vector

    def _finish(self, half: _Half) -> Done:
        if half.settled:
            return half.settled
        unit, refused = half.unit, half.refused
        if not half.pictures or half.kept is None:
            return Done.of(unit, None, refused=refused)
        category, attributes = described(unit)
        try:
            item = Item(
                id=unit.id,
                category=category,
                attributes=check_attributes(attributes),
                images=half.images(),
            )
        except MitameError as error:
            refused = [unit.walk.refused(unit.candidates[0].place, error)]
            return Done.of(unit, None, refused=refused)
        outcome: Outcome = "added" if unit.item is None else "replaced"
        return Done.of(unit, outcome, [Put(item, fingerprints=self._prints)], refused)


@dataclass
class _Half:
    """A unit between preparing and embedding."""

    unit: Unit
    pictures: dict[int, _Picture] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    kept: Mapping[int, ItemImage] | None = field(default_factory=dict)
    settled: Done | None = None

    def refuse(self, candidate: Candidate, error: MitameError) -> None:
        """List an image that can't be used."""
        self.refused.append(self.unit.walk.refused(candidate.place, error))

    @property
    def missing(self) -> list[int]:
        """Numbers of the images that were refused."""
        return [n for n in range(len(self.unit.candidates)) if n not in self.pictures]

    @property
    def to_embed(self) -> Iterable[_Picture]:
        """Pictures that need vectors."""
        return () if self.settled or self.kept is None else self.pictures.values()

    def images(self) -> tuple[ItemImage, ...]:
        """New images and kept ones, in the order on offer."""
        images = {n: picture.stored() for n, picture in self.pictures.items()}
        images |= self.kept or {}
        return tuple(images[number] for number in sorted(images))


def _nothing_new(half: _Half) -> Done | None:
    """The outcome where every image is the stored one, or is refused and stays."""
    unit, kept = half.unit, half.kept
    if kept is None or len(half.pictures) + len(kept) != len(unit.item_images):
        return None
    for number, picture in half.pictures.items():
        known = unit.known[number]
        if known is None or known.content_hash != picture.content_hash:
            return None
    changes = patches(unit)
    return Done.of(unit, "updated" if changes else None, changes, half.refused)
