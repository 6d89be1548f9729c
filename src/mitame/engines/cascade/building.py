"""Makes the parts of a cascade: axes, lists, codes. Rows are read block by block, as mapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.distances import UNIT_TOLERANCE, Distance, norms
from mitame.engines.cascade import coding
from mitame.engines.cascade.clustering import (
    PER_CENTRE,
    axes_of,
    k_means,
    nearest,
    nearest_by_roots,
    sampled,
)
from mitame.engines.cascade.coding import Bytes, codes_of, widened
from mitame.engines.cascade.shape import (
    BLOCK,
    FAR,
    FINE_AXES,
    LINE,
    NODE,
    NODE_BYTES,
    PROJECTED,
    Floats,
    Shape,
    rounded,
)

Numbers = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]

_BLOCK_FLOATS = 1 << 23
_SAMPLE = 20_000
_STEP_SAMPLE = 20_000
_MANY_LISTS = 4_096


class Rows:
    """Rows as the index compares them: of length 1 for cosine, about their mean."""

    def __init__(self, vectors: Floats, distance: Distance) -> None:
        self.vectors = vectors
        self.distance = distance
        self.inverses = _inverses(vectors) if distance == "cosine" else None

    def __len__(self) -> int:
        return len(self.vectors)

    def at(self, rows: Numbers | slice) -> Floats:
        """float32[n, dimension] of these rows, copied."""
        found = np.array(self.vectors[rows], np.float32)
        if self.inverses is not None:
            found *= self.inverses[rows, np.newaxis]
        return found

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """All rows, some at a time."""
        step = max(1, _BLOCK_FLOATS // self.vectors.shape[1])
        for start in range(0, len(self), step):
            where = slice(start, min(start + step, len(self)))
            yield where, self.at(where)


def _inverses(vectors: Floats) -> Floats | None:
    """1 / length of each row, 0 for a row of zeros; None where all have length 1."""
    step = max(1, _BLOCK_FLOATS // max(1, vectors.shape[1]))
    parts = [norms(vectors[i : i + step]) for i in range(0, len(vectors), step)]
    lengths = np.concatenate(parts or [np.empty(0)])
    if (np.abs(lengths - 1) <= UNIT_TOLERANCE).all():
        return None
    with np.errstate(divide="ignore"):
        inverses = np.where(lengths > 0, 1 / lengths, 0)
    return np.asarray(inverses, np.float32)


@dataclass(frozen=True)
class Frame:
    """The axes that rows are rotated to.

    Attributes:
        mean: float32[dimension].
        axes: float32[n, dimension], those with most energy first.
        shares: float32[dimension], each one's share of the energy.
    """

    mean: Floats
    axes: Floats
    shares: Floats

    def first(self, count: int) -> Frame:
        """The same with so many axes."""
        return replace(self, axes=self.axes[:count])

    def project(self, rows: Floats) -> tuple[Floats, Floats]:
        """Coordinates float32[n, projected], and squared distances to the mean, float32[n]."""
        centred: Floats = rows - self.mean
        squares: Floats = np.einsum("nd,nd->n", centred, centred)
        return np.asarray(centred @ self.axes.T, np.float32), squares

    def leading(self, rows: Floats, width: int) -> Floats:
        """The first coordinates alone, float32[n, width], zeros where there are fewer."""
        axes = self.axes[:width]
        return widened(np.asarray((rows - self.mean) @ axes.T, np.float32), width)


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


def frame_of(rows: Rows, seed: int) -> Frame:
    """All axes, from a sample of the rows."""
    sample = Rows(sampled(rows.vectors, _SAMPLE, seed), rows.distance)
    return Frame(*axes_of(sample.at(slice(None))))


def lists_of(rows: Rows, frame: Frame, shape: Shape, count: int, seed: int) -> Lists:
    """Cluster the leading coordinates of a sample."""
    most = max(_SAMPLE, count * PER_CENTRE)
    sample = Rows(sampled(rows.vectors, most, seed), rows.distance)
    points = np.concatenate([frame.leading(block, shape.coarse) for _, block in sample.blocks()])
    centres = k_means(points, count, seed)
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


def assigned(rows: Rows, frame: Frame, shape: Shape, lists: Lists) -> Numbers:
    """int64[n]: the list of each row."""
    out = np.empty(len(rows), np.int64)
    for where, block in rows.blocks():
        points = frame.leading(block, shape.coarse)
        if len(lists.centres) > _MANY_LISTS:
            out[where] = nearest_by_roots(points, lists.centres, lists.roots, lists.root_of)
        else:
            out[where] = nearest(points, lists.centres)
    return out


@dataclass(frozen=True)
class Steps:
    """What one unit of each code is worth.

    Attributes:
        lists, rows: float32[short], for short codes of lists and of rows.
        nodes: float32[PROJECTED].
    """

    lists: Floats
    rows: Floats
    nodes: Floats


def steps_of(rows: Rows, frame: Frame, shape: Shape, lists: Lists, owner: Numbers) -> Steps:
    """From how far the coordinates of a sample spread."""
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(rows))[:_STEP_SAMPLE])
    points = frame.project(rows.at(chosen))[0]
    away = widened(points, shape.coarse) - lists.centres[owner[chosen]]
    between = lists.centres - lists.roots[lists.root_of]
    short = coding.short_bits(shape)
    return Steps(
        coding.steps_of(between[:, : shape.short].std(axis=0), short),
        coding.steps_of(away[:, : shape.short].std(axis=0), short),
        coding.steps_of(widened(points, PROJECTED).std(axis=0), coding.node_bits()),
    )


def list_parts(shape: Shape, lists: Lists, steps: Steps, *, product: bool) -> Arrays:
    """The roots, and the table of lists."""
    roots = rounded(len(lists.roots), BLOCK)
    centres = np.full((roots, shape.coarse), 128, np.uint8)
    centres[: len(lists.roots)] = lists.codes(lists.roots)
    own = lists.roots[lists.root_of]
    packed, correction = short_codes(lists.centres, own, shape, steps.lists)
    squares = np.einsum("nd,nd->n", lists.centres, lists.centres)
    norms_of = _norms(squares + correction, lists.place_of, lists.places, product=product)
    root_squares = np.einsum("nd,nd->n", lists.roots, lists.roots)
    _, _, starts = placed(lists.root_of, roots)
    return {
        "centre-step": np.array([lists.step], np.float32),
        "roots": coding.blocks_of_bytes(centres),
        "root-norms": _norms(root_squares, np.arange(len(lists.roots)), roots, product=product),
        "list-starts": starts,
        "list-codes": coding.interleaved(packed, lists.place_of, lists.places // BLOCK),
        "list-norms": norms_of,
        "list-steps": steps.lists,
        "list-centres": centres,
    }


def short_codes(points: Floats, own: Floats, shape: Shape, steps: Floats) -> tuple[Bytes, Floats]:
    """Packed short codes of points about their centres, and what their norms are corrected by.

    The rest that the codes leave is known here, and so is its product with the centre: with it in
    the norm, only its product with the query's distance from the centre is left as an error.
    """
    away = points - own
    codes, stands = codes_of(away[:, : shape.short], steps, coding.short_bits(shape))
    away[:, : shape.short] -= stands
    correction = -2 * np.einsum("nd,nd->n", own, away)
    return coding.packed_short(codes, shape), correction


def _norms(values: Floats, places: Numbers, count: int, *, product: bool) -> Floats:
    out = np.full(count, FAR, np.float32)
    out[places] = 0 if product else values
    return out


def row_parts(
    rows: Rows, frame: Frame, shape: Shape, *, lists: Lists, steps: Steps, owner: Numbers
) -> Arrays:
    """The table of rows, ids, nodes and tails."""
    table = lists.place_of[owner]
    places, count, starts = placed(table, lists.places)
    packed = np.empty((len(rows), shape.block_bytes // BLOCK), np.uint8)
    nodes = np.zeros((count, NODE_BYTES), np.uint8)
    tails = np.zeros((count if shape.tail else 0, LINE), np.uint8)
    product = rows.distance == "inner_product"
    norms_of = np.full(count, FAR, np.float32)
    for where, block in rows.blocks():
        points, squares = frame.project(block)
        centres = lists.centres[owner[where]]
        packed[where], correction = short_codes(
            widened(points, shape.coarse), centres, shape, steps.rows
        )
        squares = np.zeros_like(squares) if product else squares
        at = places[where]
        norms_of[at] = 0 if product else squares + correction
        codes, _ = codes_of(widened(points, PROJECTED), steps.nodes, coding.node_bits())
        nodes[at] = coding.packed_nodes(codes[:, :NODE], squares)
        if shape.tail:
            tails[at] = coding.packed_tails(codes[:, NODE:])
    ids = np.full(count, -1, np.int32)
    ids[places] = np.arange(len(rows))
    centres = np.full((lists.places, shape.coarse), 128, np.uint8)
    centres[lists.place_of] = lists.codes(lists.centres)
    parts: Arrays = {
        "row-starts": starts,
        "row-codes": coding.interleaved(packed, places, count // BLOCK),
        "row-norms": norms_of,
        "row-steps": steps.rows,
        "row-centres": centres,
        "ids": ids,
        "nodes": nodes,
        "node-steps": steps.nodes,
    }
    return {**parts, "tails": tails} if shape.tail else parts


def frame_parts(frame: Frame, shape: Shape) -> Arrays:
    """The mean and the axes: the first with 8 bits a number, the others with 4."""
    mean = np.zeros(shape.padded, np.float32)
    mean[: shape.dimension] = frame.mean
    fine, low = frame.axes[:FINE_AXES], frame.axes[FINE_AXES:]
    largest = np.abs(fine).max(axis=1)
    steps = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(127)
    bytes_ = np.full((rounded(len(fine), BLOCK), shape.padded), 128, np.uint8)
    bytes_[: len(fine), : shape.dimension] = np.rint(fine / steps[:, np.newaxis]) + 128
    halves, low_steps = _in_halves(low, shape)
    return {
        "mean": mean,
        "rotation": coding.blocks_of_bytes(bytes_),
        "rotation-low": halves,
        "rotation-steps": np.concatenate([steps, low_steps]),
    }


def _in_halves(axes: Floats, shape: Shape) -> tuple[Bytes, Floats]:
    """Axes with 4 bits a number, as blocks; and what one unit is worth, float32[n]."""
    deviations = axes.std(axis=1)
    steps = coding.steps_of(deviations, np.full(len(axes), 4))
    scale = np.where(steps > 0, steps, 1).astype(np.float32)
    codes = np.clip(np.rint(axes / scale[:, np.newaxis] + 7.5), 0, 15).astype(np.uint8)
    wide = np.zeros((rounded(len(axes), BLOCK), shape.padded), np.uint8)
    wide[: len(axes), : shape.dimension] = codes
    as_rows = replace(shape, fours=shape.padded, twos=0)
    packed = coding.packed_short(wide, as_rows)
    return coding.interleaved(packed, np.arange(len(wide)), len(wide) // BLOCK), scale
