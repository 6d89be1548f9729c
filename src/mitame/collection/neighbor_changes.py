"""What has changed since a neighbour table was made, as far as its lists are concerned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.collection.neighbor_keys import RowKeys
from mitame.collection.neighbor_rows import ItemRows, StoredRows
from mitame.collection.rows import DEAD, LensRows
from mitame.distances import Distance, norms

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ChangedRows:
    """Rows of items that are not what they were: they may enter any list.

    Attributes:
        numbers: int64[m], as the caller counts rows.
        owners: int64[m], the key of each row's item, or -1 where the row is dead.
        vectors: float32[m, dimension], of length 1 (or 0) under cosine.
        raw: float32[m, dimension], the same as an index compares them.
        distance: which.
    """

    numbers: Numbers
    owners: Numbers
    vectors: Floats
    raw: Floats
    distance: Distance

    @cached_property
    def keys(self) -> RowKeys:
        """The vectors as they are compared quickly."""
        return RowKeys.of(self.vectors, self.distance)

    @cached_property
    def longest(self) -> float:
        """The greatest length of a vector."""
        if self.distance == "cosine":
            return 1.0
        return float(norms(self.vectors).max(initial=0.0))

    def after(self, start: int) -> ChangedRows:
        """Those from a place on."""
        part = slice(start, None)
        return ChangedRows(
            self.numbers[part],
            self.owners[part],
            self.vectors[part],
            self.raw[part],
            self.distance,
        )


@dataclass(frozen=True)
class Changes:
    """The difference between a snapshot's rows and those of a later moment.

    Attributes:
        position: of the journal.
        stale: bool[keys]: the item's rows are others now; its own list is not right any more.
        touched: bool[keys]: that, or its id is another: as a neighbour it must be looked at anew.
        rows: those that the touched items have now.
        renamed: int64, keys of the items whose id is another.
    """

    position: int
    stale: NDArray[np.bool_]
    touched: NDArray[np.bool_]
    rows: tuple[ChangedRows, ...]
    renamed: Numbers


def changes_of(rows: LensRows, source: StoredRows, items: ItemRows, renamed: Numbers) -> Changes:
    """The changes between a snapshot and a view.

    Args:
        rows: of the view.
        source, items: the snapshot's rows.
        renamed: int64, keys of items of the snapshot that have another id in the view.
    """
    stale = _marked(_others(rows), items)
    touched = stale.copy()
    touched[renamed[renamed < len(touched)]] = True
    return Changes(
        rows.position, stale, touched, tuple(_changed_rows(rows, source, items, touched)), renamed
    )


def _others(rows: LensRows) -> Numbers:
    """Keys of the items that have lost or got a row."""
    return np.concatenate([rows.base.owners[rows.dead_in_base], rows.owners[rows.owners != DEAD]])


def _marked(keys: Numbers, items: ItemRows) -> NDArray[np.bool_]:
    most = max(int(keys.max(initial=0)), int(items.items.max(initial=0)))
    out = np.zeros(most + 1, np.bool_)
    out[keys] = True
    return out


def _changed_rows(
    rows: LensRows, source: StoredRows, items: ItemRows, touched: NDArray[np.bool_]
) -> Iterator[ChangedRows]:
    for piece in rows.pieces:
        first = piece.first - rows.base.log_rows
        owners = rows.owners[first : first + len(piece.vectors)]
        numbers = rows.base.count + first + np.arange(len(piece.vectors))
        yield ChangedRows(numbers, owners, piece.vectors, piece.vectors, piece.distance)
    left = surviving(items, touched, rows.dead_in_base)
    if len(left):
        owners, asked = rows.base.owners[left], source.asked(left)
        yield ChangedRows(left, owners, asked, source.raw(left), source.distance)


def surviving(items: ItemRows, touched: NDArray[np.bool_], dead: Numbers) -> Numbers:
    """Rows of the snapshot that touched items have still, int64[n], ascending."""
    places = np.flatnonzero(touched[items.items])
    return np.setdiff1d(items.rows_of(places), dead)


NO_CHANGES = Changes(-1, np.zeros(0, np.bool_), np.zeros(0, np.bool_), (), np.empty(0, np.int64))
"""Before any that are known."""
