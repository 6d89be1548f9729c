"""Lists of many items through an engine's index: quick where comparing all with all is not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_exact import ExactLists, order_by_id, padded
from mitame.collection.neighbor_keys import nearest_rows
from mitame.engines.protocol import Searchable
from mitame.neighbors import Neighbors

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]
_SPARE = 16
_BLOCK = 1_024
SAMPLE = 100
SEED = 0


class IndexLists:
    """Finds the k nearest items of items of one lens, as near as an index does.

    Args:
        index: over all rows; its distances are exact.
        exact: what would find the true ones among the same rows.
    """

    def __init__(self, index: Searchable, exact: ExactLists) -> None:
        self._index = index
        self._source, self._owners, self._items = exact.source, exact.owners, exact.items
        self._id_of, self._k = exact.id_of, exact.k

    def blocks(self, places: Numbers) -> Iterator[tuple[Numbers, Floats]]:
        """Lists of the items at some places; see `ExactLists.blocks`."""
        for start in range(0, len(places), _BLOCK):
            part = places[start : start + _BLOCK]
            yield padded(self._found(part), len(part), self._k)

    def _found(self, places: Numbers) -> Iterator[tuple[Numbers, Floats]]:
        width = min(self._index.rows, self._k + 1 + _SPARE)
        answer = self._index.search(self._source.asked(self._items.rows_of(places)), width)
        first = 0
        for place in places.tolist():
            count = len(self._items.rows(place))
            part = slice(first, first + count)
            yield self._list(place, Neighbors(answer.ids[part], answer.distances[part]))
            first += count

    def _list(self, place: int, answer: Neighbors) -> tuple[Numbers, Floats]:
        own = self._items.items[place]
        while True:
            real = answer.ids >= 0
            rows, away = answer.ids[real], answer.distances[real]
            rows, away, owners = nearest_rows(rows, away, self._owners[rows])
            others = owners != own
            width = answer.ids.shape[1]
            if np.count_nonzero(others) >= self._k or width >= self._index.rows:
                order = order_by_id(away[others], owners[others], self._k, self._id_of)
                return rows[others][order], away[others][order]
            queries = self._source.asked(self._items.rows(place))
            answer = self._index.search(queries, min(self._index.rows, 2 * width))


def sampled(lists: Floats, exact: ExactLists, places: Numbers) -> float:
    """Share of the true neighbours that lists have, ties counted.

    Args:
        lists: float32[n, k], the distances of the lists at these places.
        exact: knows the truth.
        places: int64[n], of items.
    """
    truth = np.concatenate([distances for _, distances in exact.blocks(places)])
    wanted = np.isfinite(truth).sum(axis=1)
    farthest = np.where(np.isfinite(truth), truth, -np.inf).max(axis=1, initial=-np.inf)
    hits = np.minimum((lists <= farthest[:, np.newaxis]).sum(axis=1), wanted)
    return float(hits.sum() / max(1, wanted.sum()))


def drawn(count: int) -> Numbers:
    """Places of the items that are looked at, int64[n], ascending; the same for each count."""
    draw = np.random.default_rng(SEED).choice(count, min(SAMPLE, count), replace=False)
    return np.sort(draw).astype(np.int64)
