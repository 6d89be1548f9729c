"""Where items lie on a plane: as the last merge laid them out, or on their principal axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection import View
from mitame.collection.map_part import StoredMap
from mitame.projection.frame import Frame
from mitame.projection.principal import Principal, drawn

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Method: TypeAlias = Literal["layout", "principal"]
_BLOCK = 4_096
MOST_SEARCHED = 1_000
"""Items that a search finds neighbours for; of more, a few axes must tell which are near."""
_NEAREST = 5
"""Neighbours that a new item is put between."""
_ASKED = 2 * _NEAREST
"""Rows that are asked for: several may belong to one item."""
_LANDMARKS = 4_096
_AXES = 8


@dataclass(frozen=True)
class Items:
    """Items with their first live row, by key: int64[n] each."""

    keys: Numbers
    rows: Numbers

    def __getitem__(self, which: Numbers | NDArray[np.bool_]) -> Items:
        return Items(self.keys[which], self.rows[which])


def items_of(view: View, lens: str) -> Items:
    """All that have a vector in a lens."""
    owners = view.owners(lens)
    live = np.flatnonzero(owners >= 0)
    keys, first = np.unique(owners[live], return_index=True)
    return Items(keys, live[first])


def method_of(view: View, lens: str) -> Method:
    """How places are found at a moment, without finding any."""
    return "principal" if view.layout(lens) is None else "layout"


class Placing(Protocol):
    """Gives items their places at a moment; which others are asked for makes no difference."""

    @property
    def method(self) -> Method:
        """How."""

    def places(self, items: Items) -> Floats:
        """float32[n, 2], 0 to 1: from the left, and from the top."""


def placing(view: View, lens: str, items: Items) -> Placing:
    """For some of these items, which are all that have a vector."""
    stored = view.layout(lens)
    if stored is None:
        return _OnAxes(view, lens, items)
    laid_out = _LaidOut(view, lens, items, stored)
    return laid_out if laid_out.is_of_use else _OnAxes(view, lens, items)


class _OnAxes:
    """On the two principal axes of a sample of the vectors."""

    def __init__(self, view: View, lens: str, items: Items) -> None:
        self.method: Method = "principal"
        self._view, self._lens = view, lens
        self._plane = _axes(view, lens, items, 2)
        sample = items[drawn(len(items.rows))]
        self._frame = Frame.around(_projected(view, lens, sample, self._plane))

    def places(self, items: Items) -> Floats:
        return self._frame.unit(_projected(self._view, self._lens, items, self._plane))


class _LaidOut:
    """Where the snapshot has them; those that came later between their neighbours."""

    def __init__(self, view: View, lens: str, items: Items, stored: StoredMap) -> None:
        self.method: Method = "layout"
        self._view, self._lens = view, lens
        self._stored = stored
        self._frame = Frame.around(stored.places)
        self._items = items
        self._base_rows = view.base_index(lens).rows
        self._placed = self._found(items) >= 0
        self.is_of_use = not len(items.keys) or bool(self._placed.any())
        """Some of these items are still where they were laid."""

    def places(self, items: Items) -> Floats:
        found = self._found(items)
        raw = self._stored.places[found]
        new = np.flatnonzero(found < 0)
        if len(new):
            raw[new] = self._placed_anew(items[new])
        return self._frame.unit(raw)

    def _found(self, items: Items) -> Numbers:
        """int64[n], -1 where an item is new, or its first row is: it may look otherwise now."""
        return np.where(items.rows < self._base_rows, self._stored.find(items.keys), -1)

    def _placed_anew(self, items: Items) -> Floats:
        if np.count_nonzero(~self._placed) <= MOST_SEARCHED:
            return self._searched(items)
        return self._beside_landmarks(items)

    def _searched(self, items: Items) -> Floats:
        """Each between its nearest that have a place; in the middle where there is none."""
        view, lens = self._view, self._lens
        owners = view.owners(lens)
        has_place = owners >= 0
        has_place[self._base_rows :] = False
        vectors, index = view.vectors_at(lens, items.rows), view.index(lens)
        rows = index.search(vectors, min(_ASKED, index.rows), allow=has_place).ids
        found = np.where(rows >= 0, self._stored.find(owners[rows].ravel()).reshape(rows.shape), -1)
        counted = found >= 0
        counted &= np.cumsum(counted, axis=1) <= _NEAREST
        near = np.where(counted[:, :, np.newaxis], self._stored.places[found], np.nan)
        near[~counted.any(axis=1)] = self._stored.places.mean(axis=0)
        return _between(near)

    def _beside_landmarks(self, items: Items) -> Floats:
        """Each between the nearest of a few that have a place, along a few axes."""
        placed = self._items[self._placed]
        plane = _axes(self._view, self._lens, placed, _AXES)
        sample = drawn(len(placed.keys))
        chosen = placed[sample[:: -(-len(sample) // _LANDMARKS)]]
        marks = _projected(self._view, self._lens, chosen, plane)
        places = self._stored.places[self._found(chosen)]
        points = _projected(self._view, self._lens, items, plane)
        lengths, out = np.einsum("nd,nd->n", marks, marks), np.empty((len(points), 2), np.float32)
        k = min(_NEAREST, len(marks)) - 1
        for start in range(0, len(points), _BLOCK):
            here = slice(start, start + _BLOCK)
            away = lengths - 2 * (points[here] @ marks.T)
            out[here] = _between(places[np.argpartition(away, k, axis=1)[:, : k + 1]])
        return out


def _between(places: Floats) -> Floats:
    """float32[n, 2] of float32[n, k, 2], NaN for none: medians, so that most neighbours decide."""
    found: Floats = np.nanmedian(places, axis=1).astype(np.float32)
    return found


def _axes(view: View, lens: str, items: Items, count: int) -> Principal:
    sample = view.vectors_at(lens, items.rows[drawn(len(items.rows))])
    if not len(sample):
        sample = np.zeros((1, view.lenses[lens].spec.dimension), np.float32)
    return Principal.of(sample, count)


def _projected(view: View, lens: str, items: Items, plane: Principal) -> Floats:
    blocks = range(0, len(items.rows), _BLOCK)
    found = [view.vectors_at(lens, items.rows[start : start + _BLOCK]) for start in blocks]
    nothing = np.empty((0, plane.axes.shape[1]), np.float32)
    return np.concatenate([nothing, *(plane.project(each) for each in found)])
