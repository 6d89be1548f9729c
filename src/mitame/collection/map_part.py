"""The map of a lens in a snapshot: where each item lies on a plane, beside its neighbours.

| part | holds |
|---|---|
| ``items`` | int32[items]: keys of the items that have a place, ascending |
| ``places`` | float32[items, 2]: to the right and down, of any scale |
| ``about.json`` | how it was made, and how much it keeps |
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection.snapshot import SnapshotLens, as_json, from_json
from mitame.errors import CorruptCollection, NewerFormat

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
KIND = "map"
ITEMS, PLACES, ABOUT = "items", "places", "about.json"
_FORMAT = 1


@dataclass(frozen=True)
class MapFacts:
    """What a map says of itself.

    Attributes:
        neighbors: of each item that it was made from; 0 where there is no map.
        epochs: how often the items were moved.
        moved: items that got a place since all were moved together; 0 where they were now.
        kept: share of the items' neighbours that are among as many nearest on the map.
        sample: of so many items.
        seconds: that it took.
        note: why there is no map; else empty.
    """

    neighbors: int
    epochs: int = 0
    moved: int = 0
    kept: float = 0.0
    sample: int = 0
    seconds: float = 0.0
    note: str = ""

    def to_part(self) -> NDArray[np.uint8]:
        """As it is stored."""
        return as_json({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_part(cls, array: NDArray[Any]) -> MapFacts:
        """What `to_part` made.

        Raises:
            CorruptCollection: it can't be that.
        """
        content = from_json(array, "a map")
        made = cls(**{name: content.get(name) for name in cls.__dataclass_fields__})  # type: ignore[arg-type]  # looked at next
        whole = (made.neighbors, made.epochs, made.moved, made.sample)
        fits = all(isinstance(each, int) and each >= 0 for each in whole)
        fits = fits and all(isinstance(each, float | int) for each in (made.kept, made.seconds))
        if not fits or not isinstance(made.note, str) or content.get("format") != _FORMAT:
            raise CorruptCollection("a map's description can't be right")
        return made


@dataclass(frozen=True)
class StoredMap:
    """A map as a snapshot has it.

    Attributes:
        facts: about it.
        items: int32[n], keys, ascending.
        places: float32[n, 2].
    """

    facts: MapFacts
    items: NDArray[np.int32]
    places: Floats

    def find(self, keys: Numbers) -> Numbers:
        """int64[m]: where the items with keys int64[m] stand here; -1 where one has no place."""
        found = np.minimum(np.searchsorted(self.items, keys), len(self.items) - 1)
        return np.where(self.items[found] == keys, found, -1)


def read_facts(parts: Mapping[str, NDArray[Any]]) -> MapFacts | None:
    """What the parts of a lens say of its map; None where there are none.

    Raises:
        CorruptCollection: they are damaged.
    """
    return MapFacts.from_part(parts[ABOUT]) if ABOUT in parts else None


def read_map(stored: SnapshotLens) -> StoredMap | None:
    """The map of a lens in a snapshot; None where there is none.

    Raises:
        CorruptCollection, NewerFormat: it is damaged. It can be made again: do without.
    """
    parts = stored.optional(KIND)
    facts = read_facts(parts)
    if facts is None or not facts.neighbors or ITEMS not in parts or PLACES not in parts:
        return None
    items, places = parts[ITEMS], parts[PLACES]
    fits = items.dtype == np.int32 and places.dtype == np.float32 and items.ndim == 1
    if not fits or not len(items) or places.shape != (len(items), 2):
        raise CorruptCollection("the parts of a map do not fit each other")
    if not (items[1:] > items[:-1]).all() or not np.isfinite(places).all():
        raise CorruptCollection("a map has items or places that can't be right")
    return StoredMap(facts, items, places)


def map_of(stored: SnapshotLens | None) -> StoredMap | None:
    """As `read_map`; None also where it can't be read: places are found otherwise then."""
    with suppress(CorruptCollection, NewerFormat):
        return None if stored is None else read_map(stored)
    return None
