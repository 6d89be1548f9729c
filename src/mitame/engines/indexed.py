"""What all indexes have alike, whatever chooses their candidates: rows, checks, exact answers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import Ids, check_search, rank, should_scan, stacked
from mitame.engines.scan import scan
from mitame.neighbors import Neighbors


class IndexedRows:
    """Rows under a distance, kept by reference; the base of `mitame.engines.protocol.Index`.

    Args:
        vectors: float32[rows, dimension].
        distance: which.
    """

    def __init__(self, vectors: Rows, distance: Distance) -> None:
        self._vectors = vectors
        self._distance: Distance = distance

    @property
    def rows(self) -> int:
        """How many rows it was built over."""
        return len(self._vectors)

    @property
    def dimension(self) -> int:
        """Floats per row."""
        return int(self._vectors.shape[1])

    def _checked(self, queries: Rows, k: int, effort: float | None, allow: Allow | None) -> Rows:
        """The queries, contiguous float32[q, dimension].

        Raises:
            InvalidVector, UsageError: as `mitame.engines.protocol.Searchable.search` says.
        """
        return check_search(queries, k, effort, allow, rows=self.rows, dimension=self.dimension)

    def _should_scan(self, k: int, allow: Allow | None) -> bool:
        """Whether all allowed rows are to be looked at: so few they are, or as many as wanted."""
        return k >= self.rows or should_scan(allow, k)

    def _scan(self, queries: Rows, k: int, allow: Allow | None) -> Neighbors:
        """The exact answer to checked queries."""
        return scan(self._vectors, queries, k, self._distance, allow)

    def _rank(
        self, queries: Rows, candidates: Iterable[Ids], k: int, allow: Allow | None
    ) -> Neighbors:
        """The k nearest of each query's candidates; of all allowed rows where those are too few.

        Args:
            queries: float32[q, dimension], checked.
            candidates: per query int64[c], distinct allowed rows in any order.
            k: at least 1.
            allow: bool[rows]; all rows if None.
        """
        wanted = min(k, self.rows if allow is None else int(np.count_nonzero(allow)))
        return stacked(
            [
                self._scan(query[np.newaxis], k, allow)
                if len(near) < wanted
                else rank(self._vectors, query, near, k, self._distance)
                for query, near in zip(queries, candidates, strict=True)
            ],
            k,
        )
