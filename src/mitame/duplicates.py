"""Groups of near-copies: items that hang together by scores above a threshold.

Pairs come from the neighbour table, and from searches for the items that it does not know (those
written since the last merge). Two items are in one group where a chain of pairs leads from one to
the other. A pair is seen from either side: it is missed only where both items have more neighbours
above the threshold than a list holds (100), and those lists join them in nearly every case.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection import ItemList, View, searched
from mitame.distances import Distance, score
from mitame.errors import CollectionBusy, NotMerged, UnknownLens
from mitame.filters import Filter
from mitame.grouping import Groups
from mitame.search import Query, search
from mitame.variety import scores

Numbers = NDArray[np.int64]
NameOf: TypeAlias = Callable[[int], str]
PAGE = 500
MAX_SEARCHED = 5_000
"""Items that are searched for; where the table does not know more, a merge is needed first."""
_SEARCHED = 100
_WIDTHS = (8, 32)
"""Neighbours that are read at first; lists that go on above the threshold are read further."""


@dataclass(frozen=True)
class Duplicates:
    """The groups at a moment.

    Attributes:
        groups: ids, ascending within each, at least two; groups by their first id.
        exact: every pair above the threshold was seen.
        searched: items that the neighbour table did not know.
        position: of the journal.
    """

    groups: tuple[tuple[str, ...], ...]
    exact: bool
    searched: int
    position: int


def duplicates(
    view: View,
    lens: str,
    at: float,
    where: Filter | None = None,
    *,
    until: float | None = None,
) -> Duplicates:
    """The groups of near-copies among the items that pass.

    Holds the ids of all items in memory, some hundred bytes each.

    Args:
        view: the moment.
        lens: its name.
        at: score from which two items are near-copies.
        where: only among these; near-copies that don't pass join nothing.
        until: of `time.monotonic`, when to give up.

    Raises:
        UnknownLens: no such lens.
        NotMerged: more than 5,000 items are not in the neighbour table.
        CollectionBusy: the time was not enough.
    """
    if lens not in view.lenses:
        raise UnknownLens(f"the collection has no lens {lens!r}")
    names, keys = _passing(view, where)
    place_of = np.full(int(keys.max(initial=-1)) + 1, -1)
    place_of[keys] = np.arange(len(keys))
    reader = _Reader(view, lens, at, lambda key: names[place_of[key]])
    groups = Groups(len(keys))
    for start in range(0, len(keys), PAGE):
        if until is not None and time.monotonic() > until:
            raise CollectionBusy(
                "there was not time enough to look at all items", remedy="ask with a filter"
            )
        one, other = reader.pairs(keys[start : start + PAGE])
        inside = other < len(place_of)
        one, other = place_of[one[inside]], place_of[other[inside]]
        groups.join(one[other >= 0], other[other >= 0])
    named = (tuple(names[n] for n in group.tolist()) for group in groups.members())
    return Duplicates(tuple(named), reader.exact, reader.searched, view.position)


def _passing(view: View, where: Filter | None) -> tuple[list[str], Numbers]:
    """Ids, ascending, and keys of the items that pass."""
    allowed = None if where is None else view.columns(where.keys).match(where)
    names, keys = [], []
    for key, name in view.each("SELECT key, id FROM items ORDER BY id"):
        if allowed is None or allowed[key]:
            names.append(name)
            keys.append(key)
    return names, np.array(keys, np.int64)


class _Reader:
    """Reads the lists of items until they end below the threshold.

    Of all items: under a filter, a list of the table soon has too few that pass.
    """

    def __init__(self, view: View, lens: str, at: float, name_of: NameOf) -> None:
        self._view = view
        self._lens, self._at = lens, at
        self._name_of = name_of
        self._others = view.count() - 1
        self._metric: Distance = view.lenses[lens].spec.distance
        facts = view.table_facts(lens)
        k = 0 if facts is None else facts.k
        self._widths = [width for width in _WIDTHS if width < k] + [k] * (k > 0)
        self.exact = True
        self.searched = 0

    def pairs(self, page: Numbers) -> tuple[Numbers, Numbers]:
        """Keys int64[m] of near-copies, one of each pair in the page."""
        left: list[int] = page.tolist()
        lists: list[tuple[int, ItemList]] = []
        for width in self._widths:
            found = self._view.listed(self._lens, left, width)
            known = [(key, one) for key, one in zip(left, found, strict=True) if one is not None]
            unknown = [key for key, one in zip(left, found, strict=True) if one is None]
            lists += known
            if width == self._widths[0]:
                lists += self._searched(unknown)
            elif unknown:  # some of the list have gone, so that it ends before the width
                self.exact = False
            left = [key for key, one in known if self._goes_on(one, width)]
            if not left:
                break
        else:
            if not self._widths:
                lists += self._searched(left)
            elif left:
                self.exact = False
        return self._near(lists)

    def _searched(self, keys: list[int]) -> list[tuple[int, ItemList]]:
        """Lists that the table does not know."""
        self.searched += len(keys)
        if self.searched > MAX_SEARCHED:
            raise NotMerged(f"more than {MAX_SEARCHED} items are not in the neighbour table")
        width = min(_SEARCHED, self._view.live(self._lens))
        found = searched(self._view, self._lens, keys, width)
        lists = [
            (key, one or self._alone(key, width)) for key, one in zip(keys, found, strict=True)
        ]
        for _, one in lists:
            self.exact &= not self._goes_on(one, width)
        return lists

    def _alone(self, key: int, width: int) -> ItemList:
        """By a search of its own: it has no vector, or images that crowd out others."""
        name = self._name_of(key)
        vectors = self._view.vectors(name, self._lens)
        if not len(vectors):
            nothing = np.empty(0, np.int64)
            return ItemList(nothing, np.empty(0, np.float32), nothing)
        query = Query(self._lens, vectors, width, None, frozenset({name}))
        found = search(self._view, query)
        rows = np.array([each.row for each in found.neighbors], np.int64)
        away = np.array([each.distance for each in found.neighbors], np.float32)
        return ItemList(rows, away, self._view.owner_of(self._lens, rows), found.exact)

    def _goes_on(self, one: ItemList, width: int) -> bool:
        """Whether there may be near-copies beyond a list's end."""
        self.exact &= one.exact
        count = len(one.distances)
        if count < width or count >= self._others:
            return False
        return score(float(one.distances[-1]), self._metric) >= self._at

    def _near(self, lists: list[tuple[int, ItemList]]) -> tuple[Numbers, Numbers]:
        nothing = np.empty(0, np.int64)
        counts = [len(one.owners) for _, one in lists]
        keys = np.repeat(np.array([key for key, _ in lists], np.int64), counts)
        owners = np.concatenate([nothing, *(one.owners for _, one in lists)])
        away = np.concatenate([np.empty(0, np.float32), *(one.distances for _, one in lists)])
        near = scores(away, self._metric) >= self._at
        return keys[near], owners[near]
