"""Rows that have been written to a lens since one began to follow it: which are near what."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mitame.collection.asked import Asked
from mitame.collection.log import Log, LogFile, LogLayout
from mitame.collection.neighbor_keys import least
from mitame.collection.sketches import Sketcher

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)
_TAME = 1e9
"""Lengths beyond it are not compared by sketches, where float32 would end."""


class NewRows:
    """Rows of the log from a first one on, in order. For one thread.

    Args:
        key: the lens's.
        layout: of its log.
        log: the collection's.
        sketcher: of the lens.
        first: the row of the log that is the first here.
    """

    def __init__(
        self, key: int, layout: LogLayout, log: Log, sketcher: Sketcher, first: int
    ) -> None:
        self.key = key
        self.layout = layout
        self.sketcher = sketcher
        self.first = first
        self._log = log
        self._count = 0
        self._owners: Numbers = np.empty(64, np.int64)
        self._sketches: Floats = np.empty((64, sketcher.size), np.float32)
        self._longest = 0.0
        self._mapped: dict[str, Floats] = {}
        self._newest: tuple[int, int, Floats] = 0, 0, np.empty((0, layout.dimension), np.float32)

    @property
    def end(self) -> int:
        """The row of the log after the last one here."""
        return self.first + self._count

    @property
    def bytes(self) -> int:
        """Of memory."""
        return self._sketches.nbytes + self._owners.nbytes

    def extend(self, owners: Numbers) -> None:
        """Add the rows that follow.

        Args:
            owners: int64[n], the key of each row's item, -1 where the row is dead already.
        """
        vectors = self._read(np.arange(self.end, self.end + len(owners)))
        sketches = self.sketcher.rows(vectors)
        end = self._count + len(owners)
        if end > len(self._owners):
            self._owners = _larger(self._owners, end)
            self._sketches = _larger(self._sketches, end)
        self._owners[self._count : end] = owners
        self._sketches[self._count : end] = sketches
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        self._longest = max(self._longest, float(lengths.max(initial=0.0)))
        self._count = end

    def kill(self, rows: Numbers) -> None:
        """Rows of the log, int64[n], that are dead from now on."""
        self._owners[rows[(rows >= self.first) & (rows < self.end)] - self.first] = -1

    def candidates(self, sketch: Floats, bound: float, start: int) -> Numbers:
        """Places, from one on, of rows whose sketch is at least the bound; int64[n]."""
        rows = self._sketches[start : self._count]
        if not self._is_tame(bound):
            return np.arange(start, self._count)
        found = rows @ sketch[0] if len(sketch) == 1 else (rows @ sketch.T).max(axis=1)
        return np.flatnonzero(found >= bound) + start

    def within(
        self, question: Floats, places: Numbers, bound: float, away: float
    ) -> tuple[Numbers, Floats]:
        """Live rows at places that are no farther than a distance.

        Args:
            question: float32[m, dimension].
            places: int64[n].
            bound: of the distance, as `Sketcher.least` gives it.
            away: the distance.

        Returns:
            Their owners int64[n], and how far they are from the nearest of the question's vectors,
            float32[n].
        """
        places = places[self._owners[places] >= 0]
        vectors = self._read(places + self.first)
        if self._is_tame(bound):
            maybe = self.sketcher.products(vectors, question) >= bound
            places, vectors = places[maybe], vectors[maybe]
        distances = least(question, vectors, self.sketcher.distance)
        inside = distances <= away
        return self._owners[places[inside]], distances[inside]

    def nearest(self, asked: Asked, places: Numbers, bound: float, away: float) -> dict[int, float]:
        """As `within`: the owners, each with its least distance.

        Raises:
            Gone: the question's vectors can't be had any more.
        """
        near: dict[int, float] = {}
        if not len(places):
            return near
        owners, distances = self.within(asked.vectors, places, bound, away)
        for owner, distance in zip(owners.tolist(), distances.tolist(), strict=True):
            near[owner] = min(distance, near.get(owner, distance))
        return near

    def _is_tame(self, bound: float) -> bool:
        return self._longest <= _TAME and bool(np.isfinite(bound))

    @property
    def longest(self) -> float:
        """The greatest length of a row."""
        return self._longest

    def _read(self, rows: Numbers) -> Floats:
        """float32[n, dimension] of rows of the log, a copy."""
        if not len(rows):
            return np.empty((0, self.layout.dimension), np.float32)
        least, most = int(rows.min()), int(rows.max())
        first, end, mapped = self._newest
        if least >= first and most < end:
            return mapped[rows - first]
        out = np.empty((len(rows), self.layout.dimension), np.float32)
        for file, start, stop in self.layout.files(least, most + 1):
            here = (rows >= start) & (rows < stop)
            out[here] = self._map(file, stop)[rows[here] - file.first]
        return out

    def _map(self, file: LogFile, stop: int) -> Floats:
        mapped = self._mapped.get(file.name)
        if mapped is None or len(mapped) < stop - file.first:
            mapped = self._mapped[file.name] = self._log.map(file, self.layout, stop)
        if file.first >= self._newest[0]:
            self._newest = file.first, min(file.end, file.first + len(mapped)), mapped
        return mapped


def _larger(array: NDArray[_T], count: int) -> NDArray[_T]:
    grown = np.empty((max(count, 2 * len(array)), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
