"""What the collection has already: decides which images need no work."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mitame.collection import Item, ItemImage, SourceRecord, Store, View
from mitame.errors import ItemExists
from mitame.images.candidate import Candidate, Refused

BLOCK = 256


@dataclass(frozen=True)
class Unit:
    """One item's images on offer, and what the collection knows of them.

    Attributes:
        candidates: at least one; all of one id.
        item: the item of that id as stored, or None.
        known: for each candidate the item's stored image from the same location, or None.
    """

    candidates: tuple[Candidate, ...]
    item: Item | None
    known: tuple[ItemImage | None, ...]

    @property
    def id(self) -> str:
        """The item's id."""
        return self.candidates[0].id

    @property
    def item_images(self) -> tuple[ItemImage, ...]:
        """The stored item's images; none where there is no item."""
        return self.item.images if self.item else ()

    @property
    def unchanged(self) -> bool:
        """All files have the size and time on disk that the collection remembers."""
        if len(self.item_images) != len(self.candidates):
            return False
        return all(
            image is not None
            and candidate.size is not None
            and (candidate.size, candidate.modified_ns) == (image.size, image.modified_ns)
            for candidate, image in zip(self.candidates, self.known, strict=True)
        )


class Vanished:
    """Files that the collection remembers and the disk no longer has, by content.

    A new file with the same content is the old one moved. Each can be claimed once.
    """

    def __init__(self, store: Store) -> None:
        self._lock = threading.Lock()
        self._by_hash: dict[str, list[SourceRecord]] = {}
        with store.pin() as view:
            for record in view.sources(""):
                if record.source and record.content_hash and is_gone(record.source):
                    self._by_hash.setdefault(record.content_hash, []).append(record)

    def claim(self, content_hash: str) -> SourceRecord | None:
        """The record of a vanished file with this content, given out only once."""
        with self._lock:
            records = self._by_hash.get(content_hash)
            return records.pop() if records else None


def is_gone(location: str) -> bool:
    """True when the location is a plain file path and nothing is there."""
    return "://" not in location and "!" not in location and not Path(location).exists()


def units(
    store: Store, offers: Iterable[Candidate | Refused], seen: set[int]
) -> Iterator[Unit | Refused]:
    """Candidates of one id that follow each other as one unit, with what is known of them.

    Args:
        store: looked up in short views, so that a long run never holds a transaction open.
        offers: what a source yields.
        seen: hashes of every location offered are added to it; says later what vanished.
    """
    ids: set[int] = set()
    for block in _blocks(_grouped(offers)):
        with store.pin() as view:
            looked_up = [_look_up(view, group, ids, seen) for group in block]
        yield from looked_up


def _grouped(offers: Iterable[Candidate | Refused]) -> Iterator[list[Candidate] | Refused]:
    group: list[Candidate] = []
    for offer in offers:
        if group and (isinstance(offer, Refused) or offer.id != group[0].id):
            yield group
            group = []
        if isinstance(offer, Refused):
            yield offer
        else:
            group.append(offer)
    if group:
        yield group


def _blocks(
    groups: Iterator[list[Candidate] | Refused],
) -> Iterator[Sequence[list[Candidate] | Refused]]:
    block: list[list[Candidate] | Refused] = []
    for group in groups:
        block.append(group)
        if len(block) == BLOCK:
            yield block
            block = []
    yield block


def _look_up(
    view: View, group: list[Candidate] | Refused, ids: set[int], seen: set[int]
) -> Unit | Refused:
    if isinstance(group, Refused):
        seen.add(hash(group.location))
        return group
    seen.update(hash(candidate.location) for candidate in group)
    first = group[0]
    if hash(first.id) in ids:
        message = f"the id {first.id!r} was offered before in this run"
        return Refused(first.location, ItemExists(message, remedy="put an item's rows together"))
    ids.add(hash(first.id))
    item = view.get(first.id)
    if item is not None and not first.named and not _same_place(item, group):
        message = f"the id {first.id!r} belongs to {item.images[0].source or 'an added item'}"
        return Refused(first.location, ItemExists(message, remedy="choose a --prefix for the ids"))
    stored = {image.source: image for image in item.images} if item else {}
    known = tuple(stored.get(candidate.location) for candidate in group)
    return Unit(tuple(group), item, known)


def _same_place(item: Item, group: list[Candidate]) -> bool:
    """The stored item comes from one of these locations, or from files that are gone."""
    sources = {image.source for image in item.images}
    if sources & {candidate.location for candidate in group}:
        return True
    return all(source is not None and is_gone(source) for source in sources)
