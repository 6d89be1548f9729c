"""An index without some of its rows: those that have died since it was built, for one."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.engines.protocol import Allow, Rows, Searchable
from mitame.neighbors import PADDING, Neighbors

_SPARE = 8
"""Rows asked for beyond those that are likely to be left out."""


class Excluding:
    """An index that never answers some of its rows; see `Searchable`.

    Where they are few among many, as is usual, a few rows more are asked for and those to be left
    out are dropped: an engine is much quicker without a mask. Only an answer that runs short is
    asked for again, with one.

    Args:
        index: the index.
        hidden: int64[h], the rows, ascending, distinct.
    """

    def __init__(self, index: Searchable, hidden: NDArray[np.int64]) -> None:
        self._index = index
        self._hidden = hidden

    @property
    def rows(self) -> int:
        """How many rows the index has, hidden ones too: row numbers are its own."""
        return self._index.rows

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query that are not hidden; see `Searchable.search`.

        `allow` is taken as it is: it must not allow hidden rows.

        Raises:
            InvalidVector, UsageError: as the index raises them.
        """
        if allow is not None or not len(self._hidden):
            return self._index.search(queries, k, effort=effort, allow=allow)
        found = self._index.search(queries, k + self._spare(k), effort=effort)
        answer = self._dropped(found, k)
        least = min(k, self.rows - len(self._hidden))
        short = answer.ids[:, least - 1] == PADDING if least else np.zeros(len(queries), np.bool_)
        if short.any():
            again = self._index.search(queries[short], k, effort=effort, allow=self._visible)
            answer.ids[short], answer.distances[short] = again.ids, again.distances
        return answer

    def _spare(self, k: int) -> int:
        share = len(self._hidden) / self.rows
        return min(len(self._hidden), _SPARE + math.ceil(2 * share * k))

    def _dropped(self, found: Neighbors, k: int) -> Neighbors:
        """The answer without hidden rows, the others moved up, cut to k."""
        places = np.searchsorted(self._hidden, found.ids)
        places = np.minimum(places, len(self._hidden) - 1)
        hidden = self._hidden[places] == found.ids
        order = np.argsort(hidden, axis=1, kind="stable")[:, :k]
        gone = np.take_along_axis(hidden, order, axis=1)
        ids = np.take_along_axis(found.ids, order, axis=1)
        distances = np.take_along_axis(found.distances, order, axis=1)
        ids[gone], distances[gone] = PADDING, np.inf
        return Neighbors(ids, distances)

    @cached_property
    def _visible(self) -> Allow:
        visible = np.ones(self.rows, np.bool_)
        visible[self._hidden] = False
        return visible
