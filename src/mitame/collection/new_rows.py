"""Rows that have been written to a lens since one began to follow it: which are near what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mitame import native
from mitame.collection.asked import Asked
from mitame.collection.log import Log, LogFile, LogLayout
from mitame.collection.neighbor_keys import least
from mitame.collection.sketches import Sketcher

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
_T = TypeVar("_T", bound=np.generic)
_AT_ONCE = 8_192
"""Rows whose products with all questions are held at once."""
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
        self._kernel = _kernel()
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

    def vectors_of(self, owner: int) -> Floats:
        """float32[n, dimension] of an item's live rows, by its key, a copy."""
        rows = np.flatnonzero(self._owners[: self._count] == owner)
        return self._read(rows + self.first)

    def candidates(self, sketch: Floats, bound: float, start: int) -> Sequence[int]:
        """Places, from one on, ascending, of live rows whose sketch is at least the bound."""
        if start == self._count:
            return ()
        is_tame = self._is_tame(bound)
        if is_tame and self._kernel is not None:
            found: list[int] = self._kernel.reaching(
                self._sketches, start, self._count, self._owners, sketch, bound
            )
            return found
        is_near = self._owners[start : self._count] >= 0
        if is_tame:
            is_near &= (self._sketches[start : self._count] @ sketch.T).max(axis=1) >= bound
        return (np.flatnonzero(is_near) + start).tolist()

    def candidates_of_each(self, sketches: Floats, bounds: Sequence[float]) -> list[Sequence[int]]:
        """As `candidates` from the first row on, for questions of one vector each.

        All are compared in one product, so that rows are read once and not for each question.

        Args:
            sketches: float32[n, size], of the questions.
            bounds: n of them.
        """
        if len(sketches) == 1:
            return [self.candidates(sketches, bounds[0], 0)]
        if not all(self._is_tame(bound) for bound in bounds):
            alive = np.flatnonzero(self._owners[: self._count] >= 0).tolist()
            return [alive] * len(sketches)
        least_products = np.asarray(bounds)[:, np.newaxis]
        found: list[list[int]] = [[] for _ in bounds]
        for start in range(0, self._count, _AT_ONCE):
            rows = slice(start, min(start + _AT_ONCE, self._count))
            reach = sketches @ self._sketches[rows].T >= least_products
            which, places = np.nonzero(reach & (self._owners[rows] >= 0))
            ends = np.searchsorted(which, np.arange(1, len(bounds)))
            for number, part in enumerate(np.split(places + start, ends)):
                found[number].extend(part.tolist())
        return [*found]

    def within(
        self, question: Floats, places: Sequence[int], bound: float, away: float
    ) -> tuple[Numbers, Floats]:
        """Rows at places that are no farther than a distance.

        Args:
            question: float32[m, dimension].
            places: as `candidates` gives them.
            bound: of the distance, as `Sketcher.least` gives it.
            away: the distance.

        Returns:
            Their owners int64[n], and how far they are from the nearest of the question's vectors,
            float32[n].
        """
        found = np.array(self.sifted(question, places, bound), np.int64)
        distances = least(question, self._read(found + self.first), self.sketcher.distance)
        inside = distances <= away
        return self._owners[found[inside]], distances[inside]

    def sifted(self, question: Floats, places: Sequence[int], bound: float) -> Sequence[int]:
        """Places whose rows themselves reach the bound.

        Args:
            question: float32[m, dimension], whose sketches `places` are the candidates of.
            places: as `candidates` gives them.
            bound: of their inner product, as `Sketcher.least` gives it.
        """
        if not places or not self._is_tame(bound):
            return places
        kernel, (first, end, mapped) = self._kernel, self._newest
        if kernel is not None and first <= places[0] + self.first and places[-1] + self.first < end:
            is_halved, shift = self.sketcher.distance == "euclidean", self.first - first
            found: list[int] = kernel.sifted(mapped, shift, places, question, bound, is_halved)
            return found
        vectors = self._read(np.array(places) + self.first)
        reach = self.sketcher.products(vectors, question) >= bound
        return [place for place, does in zip(places, reach.tolist(), strict=True) if does]

    def nearest(
        self, asked: Asked, places: Sequence[int], bound: float, away: float
    ) -> dict[int, float]:
        """As `within`: the owners, each with its least distance.

        Raises:
            Gone: the question's vectors can't be had any more.
        """
        near: dict[int, float] = {}
        if not places:  # nearly always, and so is what comes next
            return near
        question = asked.vectors
        places = self.sifted(question, places, bound)
        if not places:
            return near
        owners, distances = self.within(question, places, bound, away)
        for owner, distance in zip(owners.tolist(), distances.tolist(), strict=True):
            near[owner] = min(distance, near.get(owner, distance))
        return near

    def _is_tame(self, bound: float) -> bool:
        return self._longest <= _TAME and math.isfinite(bound)

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


def _kernel() -> ModuleType | None:
    """The native module, where it is not one that was built before it could do this."""
    found = native.module()
    return found if found is not None and hasattr(found, "reaching") else None


def _larger(array: NDArray[_T], count: int) -> NDArray[_T]:
    grown = np.empty((max(count, 2 * len(array)), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
