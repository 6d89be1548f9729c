"""The rows of a lens in a snapshot as the neighbour table needs them: vectors, and item by item."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class StoredRows:
    """The vectors of a lens as a snapshot has them.

    Attributes:
        stored: float32 or float16[n, dimension], mapped; of length 1 (or 0) under cosine, but for
            the rounding of float16.
        distance: which.
    """

    stored: NDArray[np.float32] | NDArray[np.float16]
    distance: Distance

    def raw(self, rows: Numbers | slice) -> Floats:
        """float32[m, dimension] as an index over them compares them."""
        return self.stored[rows].astype(np.float32, copy=False)

    def asked(self, rows: Numbers | slice) -> Floats:
        """float32[m, dimension] as queries: normalised again where float16 has rounded them."""
        wide = self.raw(rows)
        is_rounded = self.stored.dtype == np.float16 and self.distance == "cosine"
        return normalise(wide) if is_rounded else wide


@dataclass(frozen=True)
class ItemRows:
    """Which rows belong to which item.

    Attributes:
        items: int64[items], keys, ascending.
        starts: int64[items + 1], where the rows of each begin in `order`.
        order: int64[rows], the rows of the first item, ascending, then those of the second, ...
    """

    items: Numbers
    starts: Numbers
    order: Numbers

    @classmethod
    def of(cls, owners: Numbers) -> ItemRows:
        """From int64[rows], the key of each row's item."""
        if bool((owners[1:] > owners[:-1]).all()):
            count = np.arange(len(owners) + 1)
            return cls(owners, count, count[:-1])
        order = np.argsort(owners, kind="stable")
        items, first = np.unique(owners[order], return_index=True)
        return cls(items, np.append(first, len(owners)), order)

    @cached_property
    def is_plain(self) -> bool:
        """Each item has one row, and rows are in the order of keys."""
        one_each = len(self.items) == len(self.order)
        return one_each and bool(np.array_equal(self.order, np.arange(len(self.order))))

    def rows(self, place: int) -> Numbers:
        """The rows of the item at a place."""
        return self.order[self.starts[place] : self.starts[place + 1]]

    def rows_of(self, places: Numbers) -> Numbers:
        """The rows of the items at these places, item by item."""
        first, counts = self.starts[places], self.starts[places + 1] - self.starts[places]
        if len(self.items) == len(self.order):
            return self.order[first]
        ends = np.cumsum(counts)
        steps = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        rows: Numbers = self.order[np.repeat(first, counts) + steps]
        return rows
