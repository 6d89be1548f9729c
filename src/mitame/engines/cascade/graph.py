"""Edges between rows: who is near whom, thinned out so that few of them lead far."""

from __future__ import annotations

from typing import Any

import numpy as np

from mitame.engines.cascade.parts import Edgeless, Edges

SLACK = 1.0
_HALF = 32
"""Bits of a place, of which a whole number of 64 bits holds two."""
_FOUND = 4
"""Neighbours that are looked for, per edge that is kept."""


def edges_of(edgeless: Edgeless, degree: int, threads: int) -> Edges:
    """int32[places, degree] with -1 after the last.

    Twice: neighbours found by the lists give edges, along which better neighbours are found.

    Args:
        edgeless: the index.
        degree: edges per row, at most.
        threads: at least 1.
    """
    plain, few = edgeless.searcher(), max(4, edgeless.sizes["roots"] // 6)
    places, width = len(edgeless.parts["ids"]), degree + degree // 2
    found = np.empty((places, width), np.int32)
    plain.neighbours(found, few, 10, 3 * width, width + 4, threads)
    edges = _both_thinned(plain, found, degree, threads)
    found = np.empty((places, _FOUND * degree), np.int32)
    beam = _FOUND * degree + 4
    edgeless.searcher(edges).neighbours(found, few, 3, 32, beam, threads)
    return _both_thinned(plain, found, degree, threads)


def _both_thinned(native: Any, found: Edges, degree: int, threads: int) -> Edges:
    out = thinned(native, found, degree, threads)
    return thinned(native, both_ways(out, 2 * degree), degree, threads)


def thinned(native: Any, candidates: Edges, degree: int, threads: int) -> Edges:
    """Edges chosen among candidates, int32[places, width] with -1 after the last."""
    out = np.empty((len(candidates), degree), np.int32)
    native.prune(candidates, out, SLACK, threads)
    return out


def both_ways(edges: Edges, width: int) -> Edges:
    """Each row's edges and those that lead to it, int32[places, width] with -1 after the last.

    Args:
        edges: int32[places, degree], with -1 after the last and nowhere else.
        width: at least the degree.
    """
    there = edges >= 0
    own = there.sum(axis=1)
    begin = np.repeat(np.arange(len(edges), dtype=np.int32), own)
    end = edges[there]
    out = np.full((len(edges), width), -1, np.int32)
    out[:, : edges.shape[1]] = np.where(there, edges, -1)[:, :width]
    # Sorted by the end, then by the beginning: whole numbers are sorted many times quicker alone.
    keys = end.astype(np.int64) << _HALF | begin
    keys.sort()
    end, begin = keys >> _HALF, (keys & (1 << _HALF) - 1).astype(np.int32)
    counts = np.bincount(end, minlength=len(edges))
    rank = np.arange(len(end)) + np.repeat(own - (np.cumsum(counts) - counts), counts)
    few = rank < width
    out[end[few], rank[few]] = begin[few]
    return out
