"""Names of attributes that filters can ask for, brought forward over what has changed.

All items are read once. Then each item's shape is known: which attributes it has, of which kinds.
Few shapes make up most collections, so the names follow from how many items have each, and a
change costs as much as reading the items that have changed.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mitame.api import Collection
from mitame.browsing import Attribute, attributes, listed_names
from mitame.collection import View

Shape: TypeAlias = tuple[bool, tuple[tuple[str, str], ...]]
"""Whether an item has a category; its attributes' names with their kinds."""

MOST_SHAPES = 10_000
MOST_NAMES = 1_000_000
"""Of all shapes; beyond either, nothing is remembered, and all items are read each time."""
_GONE = 0
_PAGE = 2_000


@dataclass
class Shapes:
    """The shape of each item at a position; for one thread at a time.

    Attributes:
        position: of the journal.
        codes: int32[keys], by item key: the number of its shape, 0 where there is no such item.
        counts: items by the number of their shape.
    """

    position: int
    codes: NDArray[np.int32]
    counts: list[int] = field(default_factory=lambda: [0])
    _shapes: list[Shape] = field(default_factory=lambda: [(False, ())])
    _known: dict[Shape, int] = field(default_factory=dict)
    _names: int = 0

    @classmethod
    def of(cls, view: View) -> Shapes | None:
        """Of all items of a view; None where there are too many shapes."""
        made = cls(view.position, np.zeros(_keys(view), np.int32))
        rows = view.each("SELECT key, category IS NOT NULL, attributes FROM items")
        return made if made._take(rows) else None

    def forward(self, view: View) -> bool:
        """Bring it to a later moment; False where it can't be, and is of no use any more."""
        ((journal_from,),) = view.select("SELECT journal_from FROM state")
        if not journal_from <= self.position <= view.position:
            return False
        sql = "SELECT DISTINCT item FROM journal WHERE position > ? AND item > 0"
        changed = [key for (key,) in view.select(sql, self.position)]
        self.codes = np.concatenate(
            [self.codes, np.zeros(max(0, _keys(view) - len(self.codes)), np.int32)]
        )
        for key in changed:
            self.counts[self.codes[key]] -= 1
            self.codes[key] = _GONE
        sql = (
            "SELECT key, category IS NOT NULL, attributes FROM items"
            " WHERE key IN (SELECT value FROM json_each(?))"
        )
        self.position = view.position
        pages = (changed[start : start + _PAGE] for start in range(0, len(changed), _PAGE))
        return all(self._take(view.select(sql, json.dumps(page))) for page in pages)

    def attributes(self) -> list[Attribute]:
        """What `mitame.browsing.attributes` finds."""
        items: dict[str, int] = defaultdict(int)
        kinds: dict[str, set[str]] = defaultdict(set)
        categories = 0
        for (has_category, names), count in zip(self._shapes[1:], self.counts[1:], strict=True):
            if not count:
                continue
            categories += count * has_category
            for name, kind in names:
                items[name] += count
                kinds[name].add(kind)
        found = [Attribute(name, tuple(sorted(kinds[name])), items[name]) for name in items]
        return listed_names(sum(self.counts[1:]), categories, found)

    def _take(self, rows: Iterable[Sequence[Any]]) -> bool:
        """Note the shapes of items; False where there are too many."""
        for key, has_category, text in rows:
            shape = bool(has_category), tuple(_named(json.loads(text)))
            code = self._known.get(shape)
            if code is None:
                code = self._known[shape] = len(self._shapes)
                self._shapes.append(shape)
                self.counts.append(0)
                self._names += len(shape[1])
                if code > MOST_SHAPES or self._names > MOST_NAMES:
                    return False
            self.codes[key] = code
            self.counts[code] += 1
        return True


def _named(values: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name in sorted(values):
        if name != "category":  # hidden by the item's own
            yield name, _kind(values[name])


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "number"


def _keys(view: View) -> int:
    """One more than the highest key there ever was."""
    rows = view.select("SELECT seq FROM sqlite_sequence WHERE name = 'items'")
    return 1 + (int(rows[0][0]) if rows else 0)


class AttributeNames:
    """The names of each open collection. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Collection, _Kept] = WeakKeyDictionary()

    def find(self, collection: Collection, view: View) -> list[Attribute]:
        """The names of a collection at a moment of it."""
        with self._lock:
            kept = self._kept.setdefault(collection, _Kept())
        with kept.lock:  # other collections need not wait until this one is read
            return kept.find(view)


class _Kept:
    """What is known of one collection."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._found: tuple[int, list[Attribute]] = -1, []
        self._shapes: Shapes | None = None

    def find(self, view: View) -> list[Attribute]:
        position, found = self._found
        if view.position < position:  # pinned before another who was quicker
            return attributes(view)
        if view.position != position:
            found = self._at(view)
            self._found = view.position, found
        return found

    def _at(self, view: View) -> list[Attribute]:
        shapes, self._shapes = self._shapes, None  # until it is whole again
        if shapes is None or not shapes.forward(view):
            shapes = Shapes.of(view)
        if shapes is None:
            return attributes(view)
        self._shapes = shapes
        return shapes.attributes()
