"""An index over rows that changed a little: axes, lists and codes stay, new rows join them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade import coding
from mitame.engines.cascade.building import Arrays, Frame, Lists, Numbers, Rows, assigned, placed
from mitame.engines.cascade.building import short_codes as short_codes_of
from mitame.engines.cascade.coding import codes_of, widened
from mitame.engines.cascade.graph import Edges, both_ways, thinned
from mitame.engines.cascade.parts import Stored
from mitame.engines.cascade.shape import (
    BLOCK,
    FAR,
    FINE_AXES,
    LINE,
    NODE,
    NODE_BYTES,
    PROJECTED,
    Floats,
)
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


def row_parts(rows: Rows, older: Older, fresh: Numbers) -> tuple[Arrays, Numbers]:
    """The table of rows anew, and int64[rows], the place of each."""
    parts, shape = older.stored.parts, older.stored.shape
    frame, lists = _frame(older.stored), _lists(older.stored)
    new = Rows(rows.vectors[fresh], rows.distance)
    owner = assigned(new, frame, shape, lists)
    table = np.empty(len(rows), np.int64)
    table[older.rows], table[fresh] = older.lists, lists.place_of[owner]
    places, count, starts = placed(table, lists.places)
    coded = _coded(new, frame, older.stored, lists.centres[owner])
    old = _uncovered(older)
    out: Arrays = {"row-starts": starts, "ids": np.full(count, -1, np.int32)}
    out["ids"][places] = np.arange(len(rows))
    for name, width in (("row-norms", 0), ("nodes", NODE_BYTES), ("tails", LINE)):
        if name in old:
            whole = np.zeros((count, width) if width else count, old[name].dtype)
            whole[places[older.rows]], whole[places[fresh]] = old[name], coded[name]
            out[name] = whole
    empty = out["ids"] < 0
    out["row-norms"][empty] = FAR
    packed = np.empty((len(rows), shape.block_bytes // BLOCK), np.uint8)
    packed[older.rows], packed[fresh] = old["row-codes"], coded["row-codes"]
    out["row-codes"] = coding.interleaved(packed, places, count // BLOCK)
    return {**parts, **out}, places


def _uncovered(older: Older) -> Arrays:
    """What the staying rows have, in their order."""
    parts, shape = older.stored.parts, older.stored.shape
    lines = shape.block_bytes // LINE
    words = parts["row-codes"].reshape(-1, lines, BLOCK, 4).transpose(0, 2, 1, 3)
    codes = words.reshape(-1, lines * 4)
    out: Arrays = {
        "row-codes": codes[older.places],
        "row-norms": parts["row-norms"].ravel()[older.places],
        "nodes": parts["nodes"].reshape(-1, NODE_BYTES)[older.places],
    }
    if "tails" in parts:
        out["tails"] = parts["tails"].reshape(-1, LINE)[older.places]
    return out


def _coded(new: Rows, frame: Frame, stored: Stored, centres: Floats) -> Arrays:
    """The codes of new rows."""
    parts, shape = stored.parts, stored.shape
    points, squares = frame.project(new.at(slice(None)))
    squares = np.zeros_like(squares) if new.distance == "inner_product" else squares
    packed, correction = short_codes_of(
        widened(points, shape.coarse), centres, shape, parts["row-steps"].ravel()
    )
    codes, _ = codes_of(widened(points, PROJECTED), parts["node-steps"].ravel(), coding.node_bits())
    is_product = new.distance == "inner_product"
    return {
        "row-codes": packed,
        "row-norms": squares if is_product else squares + correction,
        "nodes": coding.packed_nodes(codes[:, :NODE], squares),
        "tails": coding.packed_tails(codes[:, NODE:]),
    }


def _frame(stored: Stored) -> Frame:
    """The axes as queries are turned by them."""
    parts, shape = stored.parts, stored.shape
    words = parts["rotation"].reshape(-1, shape.padded // 4, BLOCK, 4).transpose(0, 2, 1, 3)
    fine = words.reshape(-1, shape.padded)[: min(FINE_AXES, shape.projected)] - np.float32(128)
    words = parts["rotation-low"].reshape(-1, shape.padded // 8, BLOCK, 4).transpose(0, 2, 1, 3)
    halves = np.stack([words & 15, words >> 4], axis=3).reshape(-1, shape.padded)
    low = halves[: shape.projected - len(fine)] - np.float32(7.5)
    steps = parts["rotation-steps"].reshape(-1, 1)
    axes = np.concatenate([fine, low]).astype(np.float32) * steps
    mean = parts["mean"].ravel()[: shape.dimension]
    return Frame(mean, axes[:, : shape.dimension], np.empty(0, np.float32))


def _lists(stored: Stored) -> Lists:
    parts, coarse = stored.parts, stored.shape.coarse
    step = np.float32(parts["centre-step"].ravel()[0])
    real = np.flatnonzero(parts["list-norms"].ravel() < FAR)

    def centres(name: str) -> Floats:
        return (parts[name].reshape(-1, coarse) - np.float32(128)) * step

    starts = parts["list-starts"].ravel().astype(np.int64) * BLOCK
    root_of = np.searchsorted(starts, real, side="right") - 1
    roots = centres("list-centres")
    return Lists(
        float(step), roots, centres("row-centres")[real], root_of, real, len(parts["list-norms"])
    )


def edges_after(
    searcher: Callable[[Edges | None], Any],
    rows: Rows,
    older: Older,
    *,
    places: Numbers,
    fresh: Numbers,
    threads: int,
) -> Edges:
    """Edges of the staying rows to each other, and those from and to new rows.

    Args:
        searcher: the native cascade over all rows with these edges.
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
    native = searcher(edges)
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


def _near(native: Any, rows: Rows, fresh: Numbers, k: int, threads: int) -> NDArray[np.int64]:
    """int64[fresh, k]: rows near new ones, with themselves; -1 where there are no more."""
    queries = np.ascontiguousarray(rows.at(fresh))
    ids = np.full((len(fresh), k), -1, np.int64)
    away = np.empty((len(fresh), k), np.float32)
    native.search(queries, ids, away, 64, 12, 3 * k, k + 8, k, None, threads)
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
