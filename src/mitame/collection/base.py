"""The rows of a lens in the snapshot that is served: what the delta is added to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base_index import BaseIndex, open_base
from mitame.collection.map_part import StoredMap, map_of
from mitame.collection.neighbor_table import StoredTable, read_table
from mitame.collection.snapshot import SnapshotLens
from mitame.distances import Distance, normalise
from mitame.errors import CorruptCollection, NewerFormat

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Base:
    """A lens's rows in a snapshot; none where there is no snapshot, or no such lens in it.

    Attributes:
        stored: the snapshot's.
        dimension, distance: the lens's.
    """

    stored: SnapshotLens | None
    dimension: int
    distance: Distance

    @property
    def count(self) -> int:
        """How many rows."""
        return 0 if self.stored is None else self.stored.count

    @property
    def log_rows(self) -> int:
        """Rows of the log that it covers; the delta begins there."""
        return 0 if self.stored is None else self.stored.log_rows

    @property
    def rows(self) -> Numbers:
        """int64[count], the row of the log that each was, ascending."""
        return np.empty(0, np.int64) if self.stored is None else self.stored.rows

    @property
    def owners(self) -> Numbers:
        """int64[count], the key of each row's item."""
        return np.empty(0, np.int64) if self.stored is None else self.stored.owners

    @cached_property
    def is_single(self) -> bool:
        """Whether no item has two of them."""
        return len(np.unique(self.owners)) == self.count

    @cached_property
    def index(self) -> BaseIndex:
        """The index over all of them, dead ones too."""
        return open_base(self.stored, self.dimension, self.distance)

    @property
    def opened_index(self) -> BaseIndex | None:
        """The index, where somebody has asked for it already; opening one takes long."""
        return self.__dict__.get("index")

    @cached_property
    def neighbors(self) -> StoredTable | None:
        """The neighbour table; None where there is none, or it can't be read: a search knows."""
        with suppress(CorruptCollection, NewerFormat):
            return None if self.stored is None else read_table(self.stored)
        return None

    @cached_property
    def map(self) -> StoredMap | None:
        """Where the items lie on a plane; None where there is no map, or it can't be read."""
        return map_of(self.stored)

    def places(self, log_rows: Numbers) -> Numbers:
        """Where rows of the log, int64[n] below `log_rows`, stand among the rows here.

        Raises:
            CorruptCollection: one is not here.
        """
        rows = self.rows
        places = np.searchsorted(rows, log_rows)
        if len(log_rows) and (places.max() >= len(rows) or (rows[places] != log_rows).any()):
            raise CorruptCollection("a row of the database is missing in the snapshot")
        return places

    def vectors(self, places: Numbers) -> NDArray[np.float32]:
        """float32[n, dimension] of the rows at these places, copied.

        What float16 has rounded is normalised again for cosine: indexes over float32 rely on it.
        """
        if self.stored is None:
            return np.empty((0, self.dimension), np.float32)
        found = self.stored.vectors[places]
        wide = found.astype(np.float32, copy=False)
        is_rounded = found.dtype == np.float16 and self.distance == "cosine"
        return normalise(wide) if is_rounded else wide
