"""What the collection has already: decides which images need no work."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mitame.collection import Item, ItemImage, SourceRecord, Store, View
from mitame.collection.ready import MAX_IMAGES
from mitame.errors import ItemExists, UsageError
from mitame.images.candidate import Candidate, Refused
from mitame.ingest.places import is_gone_file
from mitame.ingest.walk import Walk

BLOCK = 256


@dataclass(frozen=True)
class Unit:
    """One item's images on offer, and what the collection knows of them.

    Attributes:
        candidates: at least one; all of one id.
        item: the item of that id as stored, or None.
        known: for each candidate the item's stored image from the same location, or None.
        walk: the walk that they come from.
    """

    candidates: tuple[Candidate, ...]
    item: Item | None
    known: tuple[ItemImage | None, ...]
    walk: Walk

    @property
    def id(self) -> str:
        """The item's id."""
        return self.candidates[0].id

    @property
    def item_images(self) -> tuple[ItemImage, ...]:
        """The stored item's images; none where there is no item."""
        return self.item.images if self.item else ()

    @property
    def held(self) -> int:
        """Bytes of pictures that its candidates hold in memory before they are read."""
        if self.walk.source.countable:
            return 0
        return sum(candidate.size or 0 for candidate in self.candidates)

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


@dataclass(frozen=True)
class Rejected:
    """Images that are refused before anybody reads them.

    Attributes:
        refused: what is reported.
        images: how many they are.
    """

    refused: Refused
    images: int = 1


class Vanished:
    """Items of one image whose file is gone, by content: a new file with it is that one moved.

    Only an item whose id is the one that the same source gave to the old path moves; an id that
    somebody chose stays with its item. Each can be claimed once. May be asked from any thread.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._claimed: set[str] = set()
        with store.pin() as view:
            self._is_empty = next(view.sources(""), None) is None

    def claim(self, content_hash: str, walk: Walk) -> SourceRecord | None:
        """The record of a vanished file with this content, given out only once."""
        if self._is_empty:
            return None
        with self._store.pin() as view:
            for record in view.by_hash(content_hash):
                if self._has_moved(view, record, walk) and self._is_first(record.id):
                    return record
        return None

    def _has_moved(self, view: View, record: SourceRecord, walk: Walk) -> bool:
        if record.source is None or walk.proposed_id(record.source) != record.id:
            return False
        if not walk.has_lost(record.source) or not is_gone_file(record.source):
            return False
        item = view.get(record.id)
        return item is not None and len(item.images) == 1

    def _is_first(self, item_id: str) -> bool:
        with self._lock:
            if item_id in self._claimed:
                return False
            self._claimed.add(item_id)
            return True


Group: TypeAlias = tuple[Walk, list[Candidate]]


def units(store: Store, walks: Iterable[Walk]) -> Iterator[Unit | Rejected]:
    """Candidates of one id that follow each other as one unit, with what is known of them.

    Args:
        store: looked up in short views, so that a long run never holds a transaction open.
        walks: the sources.
    """
    ids: set[int] = set()
    for block in _blocks(group for walk in walks for group in _grouped(walk)):
        with store.pin() as view:
            looked_up = [_look_up(view, group, ids) for group in block]
        # taken off one by one, so that nothing is held here that the consumer has let go
        looked_up.reverse()
        block.clear()
        while looked_up:
            yield looked_up.pop()


def _grouped(walk: Walk) -> Iterator[Group | Rejected]:
    """Named candidates of one id as one group; a group that grows too long is refused unread."""
    group: list[Candidate] = []
    count = 0
    for offer in walk:
        if isinstance(offer, Candidate) and group and offer.named and offer.id == group[0].id:
            count += 1
            if count <= MAX_IMAGES:
                group.append(offer)
            else:
                del group[1:]
            continue
        if group:
            yield _closed(walk, group, count)
            group = []
        if isinstance(offer, Refused):
            yield Rejected(offer)
        else:
            group, count = [offer], 1
    if group:
        yield _closed(walk, group, count)


def _closed(walk: Walk, group: list[Candidate], count: int) -> Group | Rejected:
    if count <= MAX_IMAGES:
        return walk, group
    error = UsageError(
        f"the item {group[0].id!r} has {count:,} images", remedy=f"give it 1 to {MAX_IMAGES:,}"
    )
    return Rejected(walk.refused(group[0].place, error), count)


def _blocks(groups: Iterable[Group | Rejected]) -> Iterator[list[Group | Rejected]]:
    """Blocks that are looked up together; one that holds pictures in memory waits for no other."""
    block: list[Group | Rejected] = []
    for group in groups:
        block.append(group)
        holds = isinstance(group, tuple) and not group[0].source.countable
        if holds or len(block) == BLOCK:
            yield block
            block = []
    yield block


def _look_up(view: View, found: Group | Rejected, ids: set[int]) -> Unit | Rejected:
    if isinstance(found, Rejected):
        return found
    walk, group = found
    first = group[0]
    if hash(first.id) in ids:
        message = f"the id {first.id!r} was offered before in this run"
        return _exists(walk, group, message, "put an item's rows together")
    ids.add(hash(first.id))
    item = view.get(first.id)
    if item is not None and not first.named and not _same_place(item, group):
        message = f"the id {first.id!r} belongs to {item.images[0].source or 'an added item'}"
        return _exists(walk, group, message, "choose a --prefix for the ids")
    stored = {image.source: image for image in item.images} if item else {}
    known = tuple(stored.get(candidate.location) for candidate in group)
    return Unit(tuple(group), item, known, walk)


def _exists(walk: Walk, group: Sequence[Candidate], message: str, remedy: str) -> Rejected:
    return Rejected(walk.refused(group[0].place, ItemExists(message, remedy=remedy)), len(group))


def _same_place(item: Item, group: list[Candidate]) -> bool:
    """The stored item comes from one of these locations, or from files that are gone."""
    sources = {image.source for image in item.images}
    if sources & {candidate.location for candidate in group}:
        return True
    return all(source is not None and is_gone_file(source) for source in sources)


def lost_items(store: Store, walk: Walk) -> list[str]:
    """Ids of the items whose every image came from a source and is gone from there."""
    lost: dict[str, int] = {}
    with store.pin() as view:
        for record in view.sources(walk.source.root):
            if record.source and walk.has_lost(record.source):
                lost[record.id] = lost.get(record.id, 0) + 1
        return [item_id for item_id, count in lost.items() if _has_only(view, item_id, count)]


def _has_only(view: View, item_id: str, count: int) -> bool:
    item = view.get(item_id)
    return item is not None and len(item.images) == count
