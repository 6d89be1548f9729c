"""One index over several: the rows of a snapshot, then those of the delta, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance
from mitame.engines.catalog import find
from mitame.engines.protocol import Allow, Searchable
from mitame.errors import UsageError
from mitame.neighbors import PADDING, Neighbors, merge
from mitame.timing import step

_HALF_FLOATS = 1 << 22
"""Numbers of a float16 block that are widened at once."""


class CompositeIndex:
    """Indexes over rows that follow each other, searched as one; see `Searchable`.

    Args:
        parts: at least one; row numbers of the second go on where those of the first end.
    """

    def __init__(self, parts: Sequence[Searchable]) -> None:
        self._parts = tuple(parts)
        self._rows = sum(part.rows for part in parts)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return self._rows

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; see `Searchable.search`.

        Raises:
            InvalidVector, UsageError: as the parts' indexes raise them.
        """
        if len(self._parts) == 1:
            with step("engine"):
                return self._parts[0].search(queries, k, effort=effort, allow=allow)
        if allow is not None and (allow.shape != (self._rows,) or allow.dtype != np.bool_):
            raise UsageError(
                f"allow is {allow.dtype}{list(allow.shape)}", remedy=f"give bool[{self._rows}]"
            )
        answers: list[Neighbors] = []
        start = 0
        for part in self._parts:
            allowed = None if allow is None else allow[start : start + part.rows]
            if allowed is not None and allowed.all():
                allowed = None  # looking at all is quicker when nothing has to be left out
            with step("delta" if answers else "engine"):
                found = part.search(queries, k, effort=effort, allow=allowed)
            ids = np.where(found.ids == PADDING, PADDING, found.ids + start)
            answers.append(Neighbors(ids, found.distances))
            start += part.rows
        return merge(answers, k)


class HalfIndex:
    """An exact index over rows kept as float16, widened block by block at each search.

    Args:
        vectors: float16[rows, dimension], mapped.
        distance: which.
    """

    def __init__(self, vectors: NDArray[np.float16], distance: Distance) -> None:
        self._vectors = vectors
        self._distance = distance

    @property
    def rows(self) -> int:
        """How many rows it was built over."""
        return len(self._vectors)

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; see `Searchable.search`."""
        if self.rows == 0:
            return exact_index(self._vectors.astype(np.float32), self._distance).search(queries, k)
        answers = []
        for start, block in self._blocks():
            allowed = None if allow is None else allow[start : start + len(block)]
            index = find("exact").build(block, self._distance)
            found = index.search(queries, k, effort=effort, allow=allowed)
            ids = np.where(found.ids == PADDING, PADDING, found.ids + start)
            answers.append(Neighbors(ids, found.distances))
        return merge(answers, k)

    def _blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        step = max(1, _HALF_FLOATS // self._vectors.shape[1])
        for start in range(0, self.rows, step):
            yield start, self._vectors[start : start + step].astype(np.float32)


def exact_index(vectors: NDArray[np.float32], distance: Distance) -> Searchable:
    """An exact index over rows that were checked, and normalised, when they were written."""
    return find("exact").build(vectors, distance, trusted=True)
