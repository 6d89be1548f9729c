"""Widths of the cascade's codes, and how an index divides its coordinates among them.

Coordinates are those of the rotated rows, the ones with most energy first. The node's widths are
fixed, so that a node is two cache lines: see ``native/cascade.h``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Rows whose short codes are interleaved."""
LINE = 64
"""Bytes of a cache line."""
NODE_8, NODE_4, NODE_2 = 32, 64, 240
"""Coordinates of a node with 8, 4 and 2 bits."""
NODE = NODE_8 + NODE_4 + NODE_2
NODE_BYTES = 128
TAIL = 256
"""Coordinates of a tail, with 2 bits."""
PROJECTED = NODE + TAIL
RESIDUAL = 2 * LINE
"""Coordinates of a line of residuals, with 4 bits; the first one begins after `NODE_8`."""
_RESIDUAL_LINES = 3
FINE_AXES = NODE_8 + NODE_4
"""Axes whose numbers have 8 bits; those after it have 4."""
FAR = 3.0e38
"""The norm of a place that no row has."""

_ENOUGH = 0.97
"""Share of the energy that is rotated: more costs more than it brings, as whole rows come last."""
_FEW_NODES = 4
"""Nodes that take as many bytes as a row from which there are nodes at all."""
_TAIL_FROM = 0.08
"""Share of the energy beyond a node's coordinates from which tails are worth their memory."""
_RESIDUALS_FROM = 1_024
"""Floats of a row from which residuals cost less than the whole rows that they spare."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """How many coordinates each code has.

    Attributes:
        dimension: floats per row.
        fours, twos: coordinates of a short code with 4 and with 2 bits; multiples of 16.
        coarse: coordinates of a centre, with 8 bits; a multiple of 64.
        tail: whether rows have tails.
        nodes: whether rows have nodes; without them short codes alone choose the exact rows.
        residuals: whether rows have codes of what nodes and tails leave.
        projected: coordinates of a rotated query that are used; the rest counts as zero.
    """

    dimension: int
    fours: int
    twos: int
    coarse: int
    tail: bool
    projected: int
    nodes: bool = True
    residuals: bool = False

    @property
    def padded(self) -> int:
        """The dimension rounded up to a cache line."""
        return rounded(self.dimension, LINE)

    @property
    def short(self) -> int:
        """Coordinates of a short code."""
        return self.fours + self.twos

    @property
    def block_bytes(self) -> int:
        """Bytes of the short codes of sixteen rows."""
        return LINE * (self.fours // 8 + self.twos // 16)

    @property
    def node_bytes(self) -> int:
        """Bytes of a node and, behind it, its tail; 0 where rows have none."""
        return (NODE_BYTES + LINE * self.tail) if self.nodes else 0

    @property
    def residual_bytes(self) -> int:
        """Bytes of the residuals of a row, 0 where it has none."""
        return LINE * residual_lines(self.projected) if self.residuals else 0


def shape_for(shares: Floats, *, edges: bool) -> Shape:
    """The widths for rows whose principal axes have these shares of the energy.

    With edges the short codes only find where to begin, and are shorter.

    Args:
        shares: float32[dimension], falling, 1 in all.
        edges: whether rows have edges.
    """
    dimension = len(shares)
    fours = min(64, rounded(dimension, 16))
    twos = min(64 if edges else 128, rounded(max(0, dimension - fours), 16))
    coarse = min(128 if edges else 256, rounded(dimension, LINE))
    tail = is_flat(shares)
    enough = 1 + int(np.searchsorted(np.cumsum(shares), _ENOUGH))
    used = PROJECTED if tail else min(NODE, max(rounded(enough, 16), coarse, fours + twos))
    residuals = spares_rows(shares, edges=edges)
    return Shape(dimension, fours, twos, coarse, tail, min(dimension, used), residuals=residuals)


def residual_lines(projected: int) -> int:
    """Lines of residuals: whole ones only, so the last coordinates may have none."""
    return min(_RESIDUAL_LINES, max(0, projected - NODE_8) // RESIDUAL)


def spares_nodes(dimension: int) -> bool:
    """Whether whole rows are so short that reading some more of them costs less than nodes."""
    return 4 * dimension <= _FEW_NODES * NODE_BYTES


def spares_rows(shares: Floats, *, edges: bool) -> bool:
    """Whether rows are so long that residuals pay, and so flat that they order a beam much better.

    Without edges whole rows are a small part of the work.
    """
    return edges and len(shares) >= _RESIDUALS_FROM and is_flat(shares)


def is_flat(shares: Floats) -> bool:
    """Whether much of the energy lies beyond a node's coordinates."""
    return float(shares[NODE:].sum()) > _TAIL_FROM


def rounded(number: int, to: int) -> int:
    """Up to the next multiple."""
    return (number + to - 1) // to * to
