"""The neighbour table of a lens in a snapshot: for each item its k nearest, as mapped arrays.

| part | holds |
|---|---|
| ``items`` | int32[items]: keys of the items that have a list, ascending |
| ``lists`` | int32[items, 2 k]: the row of each neighbour's nearest image, then the distances |
| ``about.json`` | k, whether the lists are exact, how they were made |

Rows are places in the snapshot, nearest first, ties by the item's id, padded with -1 where there
are no more items; distances are the bits of float32, so that a list is in one place of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_rows import ItemRows, StoredRows
from mitame.collection.snapshot import SnapshotLens, as_json, from_json
from mitame.errors import CorruptCollection, NewerFormat

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
KIND = "neighbors"
ITEMS, LISTS, ABOUT = "items", "lists", "about.json"
NONE = -1
DEFAULT_K = 100
MAX_K = 10_000
_FORMAT = 1
_KEYS = np.iinfo(np.int32)


@dataclass(frozen=True)
class TableFacts:
    """What a table says of itself.

    Attributes:
        k: neighbours per item; 0 where a table was not wanted.
        exact: the lists are the true ones.
        recall: share of the true neighbours that a sample of the lists has, ties counted.
        sample: how many lists that is of; 0 where they are exact.
        renewed: lists that were made by comparing the item with all others.
        seconds: that it took.
        note: why there is no table, where one was wanted; else empty.
    """

    k: int
    exact: bool = True
    recall: float = 1.0
    sample: int = 0
    renewed: int = 0
    seconds: float = 0.0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"format": _FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> TableFacts:
        """What `to_json` gave.

        Raises:
            CorruptCollection: it can't be that.
        """
        made = cls(**{name: content.get(name) for name in cls.__dataclass_fields__})  # type: ignore[arg-type]  # looked at next
        whole = all(isinstance(each, int) for each in (made.k, made.sample, made.renewed))
        real = all(isinstance(each, float | int) for each in (made.recall, made.seconds))
        other = isinstance(made.exact, bool) and isinstance(made.note, str)
        other = other and content.get("format") == _FORMAT
        if not (whole and real and other) or not 0 <= made.k <= MAX_K:
            raise CorruptCollection("a neighbour table's description can't be right")
        return made


class NeighborTable:
    """The lists, by place in ``items``.

    Args:
        facts: its k is at least 1.
        items: int32[n].
        lists: int32[n, 2 k].
        rows: how many rows the snapshot has.

    Raises:
        CorruptCollection: the arrays do not fit each other.
    """

    def __init__(
        self, facts: TableFacts, items: NDArray[np.int32], lists: NDArray[np.int32], rows: int
    ) -> None:
        fits = items.dtype == lists.dtype == np.int32 and items.ndim == 1
        if not fits or lists.shape != (len(items), 2 * facts.k):
            raise CorruptCollection("the parts of a neighbour table do not fit each other")
        self.facts = facts
        self._items = items
        self._lists = lists
        self._rows = rows

    def __len__(self) -> int:
        return len(self._items)

    @property
    def k(self) -> int:
        """Neighbours per item."""
        return self.facts.k

    @property
    def items(self) -> NDArray[np.int32]:
        """int32[n], the keys of the items, ascending."""
        return self._items

    def places(self, keys: Numbers) -> Numbers:
        """int64[m]: where the lists of items with keys int64[m] are; -1 where there is none."""
        if not len(self._items):
            return np.full(len(keys), NONE, np.int64)
        # In the same type: else all items would be turned into the other one first.
        inside = np.minimum(keys, _KEYS.max).astype(np.int32)
        found = np.minimum(np.searchsorted(self._items, inside), len(self._items) - 1)
        return np.where(self._items[found] == keys, found, NONE)

    def place(self, key: int) -> int:
        """As `places`, of one item."""
        if not 0 <= key <= _KEYS.max:
            return NONE
        found = int(self._items.searchsorted(np.int32(key)))
        return found if found < len(self._items) and self._items[found] == key else NONE

    def first(self, place: int, most: int) -> tuple[list[int], list[float], float]:
        """What a list at a place begins with: rows, their distances; and the distance at its end.

        Args:
            place: of the list.
            most: rows, at least 1.

        Raises:
            CorruptCollection: they can't be right.
        """
        line, k = self._lists[place], self.k
        rows: list[int] = line[: min(most, k)].tolist()
        away = line[k:].view(np.float32)
        distances: list[float] = away[: len(rows)].tolist()
        last = float(away[-1])
        within = min(rows) >= NONE and max(rows) < self._rows
        if not within or not (away[1:] >= away[:-1]).all():
            raise _wrong_list()
        return rows, distances, last

    def lists(self, places: Numbers) -> tuple[Numbers, Floats]:
        """Rows int64[m, k] and distances float32[m, k] of the lists at these places.

        Raises:
            CorruptCollection: they can't be right.
        """
        found = self._lists[places]
        rows, distances = found[:, : self.k], found[:, self.k :].view(np.float32)
        if rows.size:
            within = rows.min() >= NONE and rows.max() < self._rows
            if not within or not (distances[:, 1:] >= distances[:, :-1]).all():
                raise _wrong_list()
        return rows.astype(np.int64), distances


def _wrong_list() -> CorruptCollection:
    return CorruptCollection("a list of the neighbour table can't be right")


def stored_lists(rows: Numbers, distances: Floats) -> NDArray[np.int32]:
    """int32[m, 2 k] of rows int64[m, k] and distances float32[m, k], as a part has them."""
    return np.concatenate([rows.astype(np.int32), distances.view(np.int32)], axis=1)


def stored_facts(facts: TableFacts) -> NDArray[np.uint8]:
    """The part that describes a table."""
    return as_json(facts.to_json())


def read_facts(parts: Mapping[str, NDArray[Any]]) -> TableFacts | None:
    """What the parts of a lens say of its table; None where there are none.

    Raises:
        CorruptCollection: they are damaged.
    """
    if ABOUT not in parts:
        return None
    return TableFacts.from_json(from_json(parts[ABOUT], "a neighbour table"))


@dataclass(frozen=True)
class StoredTable:
    """A table and the rows that it is about.

    Attributes:
        table: the lists.
        source: the vectors of all rows.
        owners: int64[rows], the key of each row's item.
        items: rows by item.
    """

    table: NeighborTable
    source: StoredRows
    owners: Numbers
    items: ItemRows


def facts_of(stored: SnapshotLens) -> TableFacts | None:
    """What a lens's table in a snapshot says of itself; None where nothing can be read."""
    with suppress(CorruptCollection, NewerFormat):
        return read_facts(stored.optional(KIND))
    return None


def read_table(stored: SnapshotLens) -> StoredTable | None:
    """The table of a lens in a snapshot; None where there is none.

    Raises:
        CorruptCollection, NewerFormat: it is damaged. It can be made again: do without.
    """
    parts = stored.optional(KIND)
    facts = read_facts(parts)
    if facts is None or facts.k == 0 or ITEMS not in parts or LISTS not in parts:
        return None
    table = NeighborTable(facts, parts[ITEMS], parts[LISTS], stored.count)
    items = ItemRows.of(stored.owners)
    if not np.array_equal(table.items, items.items):
        raise CorruptCollection("a neighbour table is about other items than its snapshot")
    source = StoredRows(stored.vectors, stored.spec.distance)
    return StoredTable(table, source, stored.owners, items)
