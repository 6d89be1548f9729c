"""An index over rows that changed a little: axes, lists and codes stay, new rows join them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade import coding
from mitame.engines.cascade.building import RowCodes, row_codes, row_table, steps_from
from mitame.engines.cascade.compared import Arrays, ComparedRows, Numbers
from mitame.engines.cascade.frame import frame_from
from mitame.engines.cascade.graph import both_ways, thinned
from mitame.engines.cascade.lists import assigned, lists_from
from mitame.engines.cascade.part_checks import node_bytes_of
from mitame.engines.cascade.parts import Edgeless, Edges, Stored
from mitame.engines.cascade.shape import BLOCK, LINE
from mitame.errors import CorruptCollection

_FOUND = 3
"""Neighbours that are looked for, per edge of a new row."""


@dataclass(frozen=True)
class Older:
    """The rows of an index by their places, and where those that stay are now.

    Attributes:
        stored: the index.
        places: int64[staying], where each stood.
        rows: int64[staying], its number among the new rows.
    """

    stored: Stored
    places: Numbers
    rows: Numbers

    @property
    def lists(self) -> Numbers:
        """int64[staying]: the place of each one's list."""
        starts = self.stored.parts["row-starts"].astype(np.int64) * BLOCK
        out: Numbers = np.searchsorted(starts, self.places, side="right") - 1
        return out


def older_of(stored: Stored, kept: Numbers) -> Older:
    """Find the rows that stay.

    Raises:
        CorruptCollection: the parts do not have so many rows.
    """
    ids = stored.parts["ids"].astype(np.int64)
    places = np.flatnonzero(ids >= 0)
    if len(places) != len(kept) or (np.sort(ids[places]) != np.arange(len(kept))).any():
        raise CorruptCollection("the cascade index was built over other rows")
    now = kept[ids[places]]
    return Older(stored, places[now >= 0], now[now >= 0])


def row_parts(rows: ComparedRows, older: Older, fresh: Numbers) -> tuple[Arrays, Numbers]:
    """The table of rows anew, and int64[rows], the place of each."""
    parts, shape = older.stored.parts, older.stored.shape
    frame, lists = frame_from(parts, shape), lists_from(parts, shape)
    new = ComparedRows(rows.vectors[fresh], rows.distance)
    owner = assigned(new, frame, shape, lists)
    table = np.empty(len(rows), np.int64)
    table[older.rows], table[fresh] = older.lists, lists.place_of[owner]
    steps = steps_from(parts)
    codes = RowCodes.empty(len(rows), shape)
    codes.put(older.rows, _codes_of(older))
    codes.put(fresh, row_codes(new, frame, shape, lists=lists, steps=steps, owner=owner))
    return row_table(codes, table, lists.places)


def _codes_of(older: Older) -> RowCodes:
    """What the staying rows have."""
    parts, shape, places = older.stored.parts, older.stored.shape, older.places
    none = np.empty((len(places), 0), np.uint8)
    nodes = none
    if shape.nodes:
        nodes = parts["nodes"].reshape(-1, node_bytes_of(parts, older.stored.sizes))[places]
    if "tails" in parts:
        nodes = np.concatenate([nodes, parts["tails"].reshape(-1, LINE)[places]], axis=1)
    return RowCodes(
        coding.separated(parts["row-codes"], shape.block_bytes // BLOCK)[places],
        parts["row-norms"].ravel()[places],
        nodes,
        parts["residuals"].reshape(-1, shape.residual_bytes)[places] if shape.residuals else none,
    )


def edges_after(
    edgeless: Edgeless,
    rows: ComparedRows,
    older: Older,
    *,
    places: Numbers,
    fresh: Numbers,
    threads: int,
) -> Edges:
    """Edges of the staying rows to each other, and those from and to new rows.

    Args:
        edgeless: the index over all rows.
        rows: all of them.
        older: those that stay.
        places: int64[rows].
        fresh: the numbers of new ones.
        threads: at least 1.
    """
    degree = older.stored.sizes["degree"]
    count = (int(places.max()) // BLOCK + 1) * BLOCK
    edges = _moved_edges(older, places, count, degree)
    if not len(fresh):
        return edges
    native = edgeless.searcher(edges)
    near = _near(native, rows, fresh, _FOUND * degree, threads)
    candidates = np.full((count, _FOUND * degree), -1, np.int32)
    candidates[places[fresh]] = np.where(near < 0, -1, places[near])
    mine = thinned(native, candidates, degree, threads)
    edges[places[fresh]] = mine[places[fresh]]
    return _back(native, edges, places[fresh], degree, threads)


def _moved_edges(older: Older, places: Numbers, count: int, degree: int) -> Edges:
    before = older.stored.parts["edges"].reshape(-1, degree)
    moved = np.full(len(before) + 1, -1, np.int32)  # the last stands for no edge
    moved[older.places] = places[older.rows]
    kept = before[older.places]
    kept = moved[np.where((kept >= 0) & (kept < len(before)), kept, len(before))]
    order = np.argsort(kept < 0, axis=1, kind="stable")
    out = np.full((count, degree), -1, np.int32)
    out[places[older.rows]] = np.take_along_axis(kept, order, axis=1)
    return out


def _near(
    native: Any, rows: ComparedRows, fresh: Numbers, k: int, threads: int
) -> NDArray[np.int64]:
    """int64[fresh, k]: rows near new ones, with themselves; -1 where there are no more."""
    queries = np.ascontiguousarray(rows.at(fresh))
    ids = np.full((len(fresh), k), -1, np.int64)
    away = np.empty((len(fresh), k), np.float32)
    native.search(queries, ids, away, 64, 12, 3 * k, k + 8, 0, k, None, threads)
    return ids


def _back(native: Any, edges: Edges, fresh: Numbers, degree: int, threads: int) -> Edges:
    """With edges from older rows to the new ones that have edges to them."""
    is_new = np.zeros(len(edges), np.bool_)
    is_new[fresh] = True
    ends = edges[fresh]
    told = np.unique(ends[ends >= 0])
    both = both_ways(edges, 2 * degree)
    rest = np.ones(len(edges), np.bool_)
    rest[told] = False
    both[rest] = -1
    changed = thinned(native, both, degree, threads)
    out = edges.copy()
    out[told] = changed[told]
    return out
