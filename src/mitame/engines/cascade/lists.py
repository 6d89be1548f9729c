"""Roots, the lists that belong to them, and where lists and rows stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.clustering import (
    PER_CENTRE,
    k_means,
    nearest,
    nearest_by_roots,
    sample_of,
)
from mitame.engines.cascade.coding import Bytes, widened
from mitame.engines.cascade.compared import ComparedRows, Numbers
from mitame.engines.cascade.frame import Frame
from mitame.engines.cascade.shape import BLOCK, FAR, Floats, Shape, rounded

_SAMPLE = 20_000
_MANY_LISTS = 4_096


@dataclass(frozen=True)
class Lists:
    """Roots, and lists each of which belongs to one of them.

    Attributes:
        step: what one unit of a centre's code is worth.
        roots, centres: float32[., coarse], as their codes say.
        root_of: int64[lists].
        place_of: int64[lists], where a list stands in the table of lists.
        places: how many places that table has.
    """

    step: float
    roots: Floats
    centres: Floats
    root_of: Numbers
    place_of: Numbers
    places: int

    def codes(self, centres: Floats) -> Bytes:
        """uint8[n, coarse] of centres."""
        return np.asarray(np.rint(centres / np.float32(self.step)) + 128, np.uint8)


def lists_of(rows: ComparedRows, frame: Frame, shape: Shape, count: int, seed: int) -> Lists:
    """Cluster the leading coordinates of a sample."""
    most = max(_SAMPLE, count * PER_CENTRE)
    sample = sample_of(len(rows), most, seed)
    width = min(shape.coarse, len(frame.axes))  # beyond it all is 0
    points = np.concatenate([frame.leading(block, width) for block in rows.blocks_of(sample)])
    centres = widened(k_means(points, count, seed), shape.coarse)
    roots = k_means(centres, max(1, min(count, round(np.sqrt(count)))), seed)
    step = max(float(np.abs(centres).max()), float(np.abs(roots).max()), 1e-20) / 127
    centres, roots = (_rounded_to(c, step) for c in (centres, roots))
    root_of = nearest(centres, roots)
    place_of, places = placed(root_of, rounded(len(roots), BLOCK))[:2]
    return Lists(step, roots, centres, root_of, place_of, places)


def _rounded_to(values: Floats, step: float) -> Floats:
    return np.asarray(np.rint(values / np.float32(step)) * np.float32(step), np.float32)


def placed(owner: Numbers, owners: int) -> tuple[Numbers, int, NDArray[np.int32]]:
    """Where members stand when each owner's begin at a new block of sixteen.

    Args:
        owner: int64[n], from 0 to owners - 1.
        owners: how many.

    Returns:
        int64[n], places; their number; int32[owners + 1], the block each owner's begin at.
    """
    counts = np.bincount(owner, minlength=owners)
    starts = np.concatenate([[0], np.cumsum((counts + BLOCK - 1) // BLOCK)])
    order = np.argsort(owner, kind="stable")
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.empty(len(owner), np.int64)
    places[order] = starts[owner[order]] * BLOCK + within
    return places, int(starts[-1]) * BLOCK, starts.astype(np.int32)


def assigned(rows: ComparedRows, frame: Frame, shape: Shape, lists: Lists) -> Numbers:
    """int64[n]: the list of each row."""
    out = np.empty(len(rows), np.int64)
    width = min(shape.coarse, len(frame.axes))
    centres, roots = lists.centres[:, :width], lists.roots[:, :width]
    for where, block in rows.blocks():
        points = frame.leading(block, width)
        if len(centres) > _MANY_LISTS:
            out[where] = nearest_by_roots(points, centres, roots, lists.root_of)
        else:
            out[where] = nearest(points, centres)
    return out


def lists_from(parts: Mapping[str, NDArray[Any]], shape: Shape) -> Lists:
    """The lists that parts have, in the order of their places."""
    step = np.float32(parts["centre-step"].ravel()[0])
    real = np.flatnonzero(parts["list-norms"].ravel() < FAR)

    def centres(name: str) -> Floats:
        return (parts[name].reshape(-1, shape.coarse) - np.float32(128)) * step

    starts = parts["list-starts"].ravel().astype(np.int64) * BLOCK
    root_of = np.searchsorted(starts, real, side="right") - 1
    roots = centres("list-centres")
    return Lists(
        float(step), roots, centres("row-centres")[real], root_of, real, len(parts["list-norms"])
    )
