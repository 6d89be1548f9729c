"""The lists of a neighbour table as they are after changes: the gone left out, the new let in.

A list of the table holds the nearest k items there were. An item that has not been touched since
and is not in the list is not nearer than the list's last. So what is left of the list, with those
of the touched items that are near enough, is right up to the last one's distance; where fewer
than are asked for lie so near, only a search knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_changes import ChangedRows, Changes
from mitame.collection.neighbor_keys import is_tame, least, limit_of, nearest_rows, slack
from mitame.collection.neighbor_memory import NearRows
from mitame.collection.neighbor_table import NONE, StoredTable
from mitame.distances import norms

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
Passes: TypeAlias = Callable[[Numbers], NDArray[np.bool_]]
_MOST_FREE = 1_000
"""Changed rows that a list of all there were is compared with: without a last one that bounds
them, all are near, and a search is quicker."""
_NOTHING = np.empty(0, np.int64)
_KEYS = 1 << 22
"""Pairs of a query and a changed row that are looked at together."""


@dataclass(frozen=True)
class ItemList:
    """The nearest items of an item.

    Attributes:
        rows: int64[n], the nearest row of each, as the reader counts rows.
        distances: float32[n], ascending; items at one distance are in no order, and those at the
            distance of the last one asked for are all there.
        owners: int64[n], the items' keys.
        exact: they are the true nearest.
    """

    rows: Numbers
    distances: Floats
    owners: Numbers
    exact: bool = True


@dataclass
class _Entering:
    """Rows that may enter one list."""

    rows: list[Numbers] = field(default_factory=list)
    distances: list[Floats] = field(default_factory=list)
    owners: list[Numbers] = field(default_factory=list)

    def add(self, rows: Numbers, distances: Floats, owners: Numbers) -> None:
        """Some more."""
        self.rows.append(rows)
        self.distances.append(distances)
        self.owners.append(owners)

    def nearest(self) -> tuple[Numbers, Floats, Numbers]:
        """Each item once: rows, distances and owners."""
        rows, owners = np.concatenate(self.rows), np.concatenate(self.owners)
        return nearest_rows(rows, np.concatenate(self.distances), owners)


class CurrentLists:
    """Reads a table at a moment.

    Args:
        stored: the table of a snapshot, with the rows that it is about.
        changes: since the snapshot.
        renumbered: int64[rows], what the reader calls the rows of the snapshot; the same if None.
        near_rows: what was found for earlier moments, and from now on.
    """

    def __init__(
        self,
        stored: StoredTable,
        changes: Changes,
        renumbered: Numbers | None = None,
        near_rows: NearRows | None = None,
    ) -> None:
        self._table = stored.table
        self._source = stored.source
        self._owners = stored.owners
        self._items = stored.items
        self._changes = changes
        self._renumbered = renumbered
        self._near_rows = near_rows

    @property
    def exact(self) -> bool:
        """The lists are the true ones."""
        return self._table.facts.exact

    def find(
        self, keys: Numbers, limit: int, passes: Passes | None = None
    ) -> list[ItemList | None]:
        """The nearest items of the items with these keys.

        Args:
            keys: int64[n].
            limit: how many are wanted, at least 1.
            passes: tells of keys int64[m] which neighbours count, bool[m]; all where left out.

        Returns:
            For each at least `limit` neighbours, or all there are; None where the table does not
            know.

        Raises:
            CorruptCollection: the table is damaged.
        """
        changed = sum(len(part.owners) for part in self._changes.rows)
        step = max(1, _KEYS // max(1, changed))
        parts = (keys[start : start + step] for start in range(0, len(keys), step))
        return [each for part in parts for each in self._find(part, limit, passes)]

    def _find(self, keys: Numbers, limit: int, passes: Passes | None) -> list[ItemList | None]:
        out: list[ItemList | None] = [None] * len(keys)
        places = self._table.places(keys)
        usable = np.flatnonzero(places != NONE)
        usable = usable[~self._changes.stale[keys[usable]]]
        if not len(usable):
            return out
        rows, distances = self._table.lists(places[usable])
        if sum(len(part.owners) for part in self._changes.rows) > _MOST_FREE:
            bounded = np.isfinite(distances[:, -1])
            usable, rows, distances = usable[bounded], rows[bounded], distances[bounded]
            if not len(usable):
                return out
        owners = self._owners[rows]
        kept = (rows != NONE) & ~self._changes.touched[owners]
        if passes is not None:
            kept &= passes(owners.ravel()).reshape(owners.shape)
        bounds = _bounds(kept, distances, limit)
        if len(usable) == 1 and self._near_rows is not None:
            found = self._remembered(int(places[usable[0]]), distances[0, -1], bounds[0], passes)
            entering = None if found is None else [found]
        else:
            entering = self._entering(places[usable], bounds, passes)
        for q, place in enumerate(usable.tolist()):
            left = rows[q][kept[q]]
            new = None if entering is None else entering[q]
            out[place] = self._joined(left, distances[q], kept[q], new, limit)
        return out

    def _remembered(
        self, place: int, last: np.float32, bound: np.float32, passes: Passes | None
    ) -> _Entering | None:
        """As `_entering` for one list, looking only at rows that have not been looked at before."""
        if not self._changes.rows:
            return None
        assert self._near_rows is not None
        found, own = _Entering(), self._table.items[place]
        queries = self._source.asked(self._items.rows(place))
        for changed in self._changes.rows:
            near = self._all_near(changed, place, queries, last)
            owners = changed.owners[near]
            counted = near[_counted(owners, passes) & (owners != own)]
            away = least(queries, changed.raw[counted], self._source.distance)
            inside = away <= bound
            counted = counted[inside]
            found.add(changed.numbers[counted], away[inside], changed.owners[counted])
        return found

    def _all_near(
        self, changed: ChangedRows, place: int, queries: Floats, last: np.float32
    ) -> Numbers:
        """Places of changed rows that may be no farther than the last of a list."""
        assert self._near_rows is not None
        first = int(changed.numbers[0])
        # Rows of the snapshot are others for each moment: only those of the delta are remembered.
        is_delta = first >= len(self._owners)
        seen, near = self._near_rows.of(place, first) if is_delta else (0, _NOTHING)
        near = near[near < len(changed.owners)]  # a later moment may have seen more
        if seen < len(changed.owners):
            new = changed.after(seen)
            bounds = np.full(len(queries), last, np.float32)
            more = _near(new, queries, norms(queries), bounds).any(axis=0)
            near = np.concatenate([near, np.flatnonzero(more) + seen])
            if is_delta:
                self._near_rows.keep(place, first, len(changed.owners), near)
        return near

    def _entering(
        self, places: Numbers, bounds: Floats, passes: Passes | None
    ) -> list[_Entering] | None:
        """The touched rows that are no farther than a bound, for each list."""
        if not self._changes.rows:
            return None
        found = [_Entering() for _ in places]
        queries = self._source.asked(self._items.rows_of(places))
        counts = self._items.starts[places + 1] - self._items.starts[places]
        list_of = np.repeat(np.arange(len(places)), counts)
        lengths, own = norms(queries), self._table.items[places]
        for changed in self._changes.rows:
            near = _near(changed, queries, lengths, bounds[list_of])
            query_rows, others = np.nonzero(near & _counted(changed.owners, passes))
            lists, first = np.unique(list_of[query_rows], return_index=True)
            ends = np.append(first, len(others))[1:].tolist()
            for q, start, end in zip(lists.tolist(), first.tolist(), ends, strict=True):
                mine = np.unique(others[start:end])
                mine = mine[changed.owners[mine] != own[q]]  # a renamed item never lists itself
                away = least(queries[list_of == q], changed.raw[mine], self._source.distance)
                found[q].add(changed.numbers[mine], away, changed.owners[mine])
        return found

    def _joined(
        self,
        left: Numbers,
        distances: Floats,
        kept: NDArray[np.bool_],
        new: _Entering | None,
        limit: int,
    ) -> ItemList | None:
        last = distances[-1]
        away, owners = distances[kept], self._owners[left]
        rows = left if self._renumbered is None else self._renumbered[left]
        sure = len(away)
        if new is not None and new.rows:
            entering = new.nearest()
            rows, away, owners = _merged((rows, away, owners), entering)
            # An unknown item may be as far away as the last one of the list, and its id between.
            is_tied = bool((entering[1] == last).any())
            sure = int(np.searchsorted(away, last, side="left" if is_tied else "right"))
        if np.isposinf(last):
            sure = len(away)  # the list had all there were
        elif sure < limit:
            return None
        if sure > limit:
            sure = min(sure, int(np.searchsorted(away, away[limit - 1], side="right")))
        part = slice(0, sure)
        return ItemList(rows[part], away[part], owners[part], self._table.facts.exact)


def _counted(owners: Numbers, passes: Passes | None) -> NDArray[np.bool_]:
    live: NDArray[np.bool_] = owners >= 0
    if passes is not None:
        live[live] = passes(owners[live])
    return live


def _merged(
    one: tuple[Numbers, Floats, Numbers], other: tuple[Numbers, Floats, Numbers]
) -> tuple[Numbers, Floats, Numbers]:
    rows = np.concatenate([one[0], other[0]])
    away = np.concatenate([one[1], other[1]])
    owners = np.concatenate([one[2], other[2]])
    order = np.argsort(away, kind="stable")
    return rows[order], away[order], owners[order]


def _bounds(kept: NDArray[np.bool_], distances: Floats, limit: int) -> Floats:
    """Per list the distance past which nothing is of interest, float32[q]."""
    if limit > kept.shape[1]:
        return distances[:, -1]
    nth = (np.cumsum(kept, axis=1) == limit) & kept
    place = np.argmax(nth, axis=1)
    found = np.take_along_axis(distances, place[:, np.newaxis], axis=1)[:, 0]
    return np.where(nth.any(axis=1), found, distances[:, -1])


def _near(
    changed: ChangedRows, queries: Floats, lengths: NDArray[np.float64], bounds: Floats
) -> NDArray[np.bool_]:
    """bool[q, m]: rows that may be at most as far away as the bound of a query."""
    both = np.append(lengths, changed.longest)
    if not is_tame(both):
        return np.ones((len(queries), len(changed.owners)), np.bool_)
    distance = changed.keys.distance
    slacks = slack(lengths, changed.longest, queries.shape[1], distance)
    limits = limit_of(bounds, lengths, slacks, distance)
    near: NDArray[np.bool_] = changed.keys.to(queries) <= limits[:, np.newaxis]
    return near
