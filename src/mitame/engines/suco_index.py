"""Counting in how many parts a row collides with the query, and ranking those that do in most."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.engines import parallel
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Allow, Rows
from mitame.engines.ranking import Ids, stacked
from mitame.engines.suco_axes import Pieces
from mitame.engines.suco_cells import Cells
from mitame.errors import CorruptCollection
from mitame.neighbors import Neighbors

Keys: TypeAlias = NDArray[np.float32]

_QUERIES_AT_ONCE = 32
_CELLS_FOR_ROWS = 3
"""Cells near a query have more rows than others; so many times the share of the rows is sure, as
good as always, to be enough cells, and quicker to sort than all."""
_FARTHEST = 1e6
"""Queries farther from all rows than so many times the longest are drawn near: their direction
counts, and their squares would leave float32."""


@dataclass(frozen=True)
class Effort:
    """How much a search looks at.

    Attributes:
        collisions: share of the rows that collide in each part (alpha in the paper).
        ranked: share of the rows that are ranked (beta), at least
        least: so many rows, and four times k.
    """

    collisions: float
    ranked: float
    least: int

    def budget(self, k: int, rows: int) -> int:
        """How many rows are ranked."""
        return max(4 * k, self.least, round(self.ranked * rows))


def effort_of(effort: float | None) -> Effort:
    """From .5 % of the rows per part at effort 0 to 40 % at effort 1; 4.5 % by default."""
    chosen = 0.5 if effort is None else effort
    return Effort(
        collisions=0.005 * 80**chosen, ranked=0.0003 * 160**chosen, least=round(32 * 64**chosen)
    )


@dataclass(frozen=True)
class Parted:
    """Rows by their cells, and how a query becomes cells.

    Attributes:
        centre: float32[dimension], taken away from every vector.
        scale: what vectors are divided by, so that squares stay within float32.
        pieces: coordinates of each piece; two pieces make a part.
        centroids: float32[pieces, c, widest].
        cells: which rows lie in which.
    """

    centre: Rows
    scale: float
    pieces: Pieces
    centroids: Rows
    cells: Cells

    @property
    def memory(self) -> int:
        """Bytes of all arrays."""
        axes = 0 if self.pieces.axes is None else self.pieces.axes.nbytes
        arrays = (self.centre, self.centroids, self.cells.offsets, self.cells.ids)
        return axes + sum(array.nbytes for array in arrays)

    def reduced(self, vectors: Rows) -> Rows:
        """float32[pieces, n, widest] of vectors float32[n, dimension]."""
        with np.errstate(over="ignore"):
            near = (vectors - self.centre) / np.float32(self.scale)
        return self.pieces.of(np.clip(near, -_FARTHEST, _FARTHEST))

    def keys(self, queries: Rows, distance: Distance) -> Keys:
        """float32[q, parts, c^2]: how far each cell is, but for what is the same for all."""
        products = np.matmul(self.reduced(queries), self.centroids.transpose(0, 2, 1))
        np.negative(products, out=products)
        if distance != "inner_product":
            products *= 2
            products += np.einsum("pcw,pcw->pc", self.centroids, self.centroids)[:, np.newaxis]
        cells = products[0::2, :, :, np.newaxis] + products[1::2, :, np.newaxis, :]
        return np.ascontiguousarray(cells.reshape(*cells.shape[:2], -1).transpose(1, 0, 2))


@dataclass(frozen=True)
class Hits:
    """Rows of active cells, part after part.

    Attributes:
        ids: int64[hits].
        keys: float32[hits], of each one's cell.
        cuts: int64[parts + 1], where each part's begin.
    """

    ids: Ids
    keys: Keys
    cuts: Ids


class SucoSearch(IndexedRows):
    """Rows with their cells; see `mitame.engines.protocol.Searchable`."""

    def __init__(self, vectors: Rows, distance: Distance, parted: Parted) -> None:
        super().__init__(vectors, distance)
        self._parted = parted
        parts = len(parted.centroids) // 2
        self._sizes = np.diff(parted.cells.offsets).reshape(parts, -1)

    @property
    def memory(self) -> int:
        """Bytes of the cells and the centroids."""
        return self._parted.memory

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest of the rows that collide in most parts, by their true distances.

        Raises:
            InvalidVector, UsageError: as `mitame.engines.protocol.Searchable.search` says.
            CorruptCollection: a cell has a row that there is not.
        """
        queries = self._checked(queries, k, effort, allow)
        if self._should_scan(k, allow):
            return self._scan(queries, k, allow)

        def block(start: int) -> Neighbors:
            part = queries[start : start + _QUERIES_AT_ONCE]
            with np.errstate(all="ignore"):  # damaged centroids may be no numbers
                return self._block(part, k, effort, allow)

        return stacked(parallel.each(block, range(0, len(queries), _QUERIES_AT_ONCE)), k)

    def _block(self, queries: Rows, k: int, effort: float | None, allow: Allow | None) -> Neighbors:
        chosen = effort_of(effort)
        allowed = self.rows if allow is None else int(np.count_nonzero(allow))
        wanted = min(chosen.collisions * self.rows * self.rows / max(1, allowed), self.rows)
        asked = normalise(queries) if self._distance == "cosine" else queries
        keys = self._parted.keys(asked, self._distance)
        hits = (self._hits(key, self._nearest_cells(key, wanted)) for key in keys)
        budget = chosen.budget(k, self.rows)
        return self._rank(queries, (self._elected(each, budget, allow) for each in hits), k, allow)

    def _nearest_cells(self, keys: Keys, wanted: float) -> list[Ids]:
        """Of each part, its nearest cells until they have so many rows, from keys [parts, c^2]."""
        cells = keys.shape[1]
        first = min(cells, 64 + round(_CELLS_FOR_ROWS * wanted / self.rows * cells))
        while True:
            order = np.argpartition(keys, first - 1, axis=1)[:, :first] if first < cells else None
            near = keys if order is None else np.take_along_axis(keys, order, axis=1)
            by_key = near.argsort(axis=1)
            order = by_key if order is None else np.take_along_axis(order, by_key, axis=1)
            sizes = np.take_along_axis(self._sizes, order, axis=1)
            before = sizes.cumsum(axis=1) - sizes
            if first == cells or (before[:, -1] >= wanted).all():
                active = (before < wanted) & (sizes > 0)
                return [part[is_active] for part, is_active in zip(order, active, strict=True)]
            first = cells

    def _hits(self, keys: Keys, active: list[Ids]) -> Hits:
        """The rows of active cells, of all parts one after another."""
        cells = keys.shape[1]
        flat = np.concatenate([chosen + part * cells for part, chosen in enumerate(active)])
        sizes = self._sizes.reshape(-1)[flat]
        ends = sizes.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        starts = self._parted.cells.offsets[flat] - ends + sizes
        ids = self._parted.cells.ids[np.arange(total) + np.repeat(starts, sizes)].astype(np.intp)
        if total and not 0 <= int(ids.min()) <= int(ids.max()) < self.rows:
            raise CorruptCollection("a cell of the suco index has a row that there is not")
        near = keys.reshape(-1)[flat]
        counts = np.array([len(chosen) for chosen in active])
        cuts = np.concatenate([[0], ends])[np.concatenate([[0], counts.cumsum()])]
        return Hits(ids, np.repeat(near, sizes), cuts)

    def _elected(self, hits: Hits, budget: int, allow: Allow | None) -> Ids:
        """Rows in whole layers of equal collisions, most first, up to the budget; of the layer at
        its border those whose cells are nearest."""
        counts = np.zeros(self.rows, np.uint8)
        np.add.at(counts, hits.ids, np.uint8(1))
        if allow is not None:
            counts *= allow
        collisions = counts[hits.ids]
        seen = np.bincount(collisions, minlength=2)  # a row of n collisions is seen n times
        least = _lowest_layer(seen // np.maximum(np.arange(len(seen)), 1), budget)
        above = np.flatnonzero(counts > least)
        if least == 0:
            return above
        on_border = collisions == least
        border, places = np.unique(hits.ids[on_border], return_inverse=True)
        away = np.bincount(places, weights=self._saved(hits)[on_border], minlength=len(border))
        order = np.lexsort((border, away))
        return np.concatenate([above, border[order[: max(0, budget - len(above))]]])

    def _saved(self, hits: Hits) -> Keys:
        """Of each hit, the key of its cell less the greatest key of an active cell of its part:
        the lower their sum over a row's hits, the nearer the row is."""
        farthest = [hits.keys[start:end].max(initial=-np.inf) for start, end in pairwise(hits.cuts)]
        return hits.keys - np.repeat(np.array(farthest, np.float32), np.diff(hits.cuts))


def _lowest_layer(layers: Ids, budget: int) -> int:
    """The highest number of collisions that so many rows have at least; 0 if there are fewer."""
    reached = layers[:0:-1].cumsum()
    enough = np.flatnonzero(reached >= budget)
    return len(layers) - 1 - int(enough[0]) if len(enough) else 0
