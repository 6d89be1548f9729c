"""The codes of lists and rows, and the tables that they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade import coding
from mitame.engines.cascade.coding import Bytes, codes_and_stands, widened
from mitame.engines.cascade.compared import Arrays, ComparedRows, Numbers
from mitame.engines.cascade.frame import Frame
from mitame.engines.cascade.lists import Lists, placed
from mitame.engines.cascade.shape import (
    BLOCK,
    FAR,
    LINE,
    NODE,
    PROJECTED,
    Floats,
    Shape,
    rounded,
)

_SAMPLE = 20_000


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


def steps_of(rows: ComparedRows, frame: Frame, shape: Shape, lists: Lists, owner: Numbers) -> Steps:
    """From how far the coordinates of a sample spread."""
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(rows))[:_SAMPLE])
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
    codes, stands = codes_and_stands(away[:, : shape.short], steps, coding.short_bits(shape))
    away[:, : shape.short] -= stands
    correction = -2 * np.einsum("nd,nd->n", own, away)
    return coding.packed_short(codes, shape), correction


def _norms(values: Floats, places: Numbers, count: int, *, product: bool) -> Floats:
    out = np.full(count, FAR, np.float32)
    out[places] = 0 if product else values
    return out


@dataclass(frozen=True)
class RowCodes:
    """The codes of some rows, in their order.

    Attributes:
        short: uint8[n, block bytes / 16].
        norms: float32[n], for the short codes.
        nodes: uint8[n, node bytes], tails behind them.
        residuals: uint8[n, residual bytes].
    """

    short: Bytes
    norms: Floats
    nodes: Bytes
    residuals: Bytes

    @classmethod
    def empty(cls, rows: int, shape: Shape) -> RowCodes:
        """Room for the codes of so many rows."""
        return cls(
            np.empty((rows, shape.block_bytes // BLOCK), np.uint8),
            np.empty(rows, np.float32),
            np.empty((rows, shape.node_bytes), np.uint8),
            np.empty((rows, shape.residual_bytes), np.uint8),
        )

    def put(self, where: Numbers | slice, codes: RowCodes) -> None:
        """Set those of some rows."""
        self.short[where], self.norms[where] = codes.short, codes.norms
        self.nodes[where], self.residuals[where] = codes.nodes, codes.residuals


def row_codes(
    rows: ComparedRows, frame: Frame, shape: Shape, *, lists: Lists, steps: Steps, owner: Numbers
) -> RowCodes:
    """The codes of rows, each of which belongs to a list, int64[rows]."""
    out = RowCodes.empty(len(rows), shape)
    product = rows.distance == "inner_product"
    for where, block in rows.blocks():
        points, squares = frame.project(block)
        centres = lists.centres[owner[where]]
        short, correction = short_codes(widened(points, shape.coarse), centres, shape, steps.rows)
        if product:  # inner products need no norms
            squares, correction = np.zeros_like(squares), np.zeros_like(correction)
        nodes = _nodes(points, squares, shape, steps.nodes)
        out.put(where, RowCodes(short, squares + correction, *nodes))
    return out


def _nodes(points: Floats, squares: Floats, shape: Shape, steps: Floats) -> list[Bytes]:
    """Nodes and residuals, as `RowCodes` has them."""
    nothing = np.empty((len(points), 0), np.uint8)
    if not shape.nodes:
        return [nothing] * 2
    codes, left = _node_codes(points, steps)
    lines = shape.residual_bytes // LINE
    nodes = coding.packed_nodes(codes[:, :NODE], squares)
    if shape.tail:
        nodes = np.concatenate([nodes, coding.packed_tails(codes[:, NODE:])], axis=1)
    return [nodes, coding.packed_residuals(left, steps, lines) if lines else nothing]


def _node_codes(points: Floats, steps: Floats) -> tuple[Bytes, Floats]:
    """uint8[n, PROJECTED] of float32[n, projected], and what the codes leave of these."""
    bits, used = coding.node_bits(), points.shape[1]
    out = np.empty((len(points), PROJECTED), np.uint8)
    out[:, :used], stands = codes_and_stands(points, steps[:used], bits[:used])
    out[:, used:] = coding.codes_of_nothing(bits)[used:]
    return out, points - stands


def row_table(codes: RowCodes, table: Numbers, lists: int) -> tuple[Arrays, Numbers]:
    """The parts of rows, and int64[rows], the place of each.

    Args:
        codes: of the rows.
        table: int64[rows], the place of each one's list.
        lists: how many places of lists there are.
    """
    places, count, starts = placed(table, lists)
    parts: Arrays = {
        "row-starts": starts,
        "row-codes": coding.interleaved(codes.short, places, count // BLOCK),
        "row-norms": np.full(count, FAR, np.float32),
        "ids": np.full(count, -1, np.int32),
        "nodes": np.zeros((count, codes.nodes.shape[1]), np.uint8),
    }
    parts["row-norms"][places] = codes.norms
    parts["ids"][places] = np.arange(len(places))
    parts["nodes"][places] = codes.nodes
    if codes.residuals.shape[1]:
        parts["residuals"] = np.zeros((count, codes.residuals.shape[1]), np.uint8)
        parts["residuals"][places] = codes.residuals
    return parts, places


def centre_parts(shape: Shape, lists: Lists, steps: Steps) -> Arrays:
    """What rows' codes are relative to, and what one unit of each is worth."""
    centres = np.full((lists.places, shape.coarse), 128, np.uint8)
    centres[lists.place_of] = lists.codes(lists.centres)
    return {"row-centres": centres, "row-steps": steps.rows, "node-steps": steps.nodes}


def steps_from(parts: Mapping[str, NDArray[Any]]) -> Steps:
    """The steps that parts have."""
    return Steps(*(parts[f"{name}-steps"].ravel() for name in ("list", "row", "node")))
