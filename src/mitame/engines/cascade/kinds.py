"""What rows are like, as an index's own widths and steps tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.coding import node_bits, short_bits, steps_of
from mitame.engines.cascade.effort import Kind
from mitame.engines.cascade.shape import Shape

_WIDE = 0.38
"""Between what is left of pixels, 0.18, and of synthetic clusters and of words, 0.43 to 0.62: each
side's plan is the cheaper one there."""


def kind_of(parts: Mapping[str, NDArray[Any]], shape: Shape) -> Kind:
    """Which plan suits the rows of an index."""
    if shape.tail:
        return "tailed"
    if not shape.nodes:
        return "bare"
    return "spread" if is_spread(parts["row-steps"], parts["node-steps"], shape) else "close"


def is_spread(rows: NDArray[Any], nodes: NDArray[Any], shape: Shape) -> bool:
    """Whether near rows are in many lists, and short codes tell them well from the others.

    That is where lists leave much of the energy of short codes' coordinates; where they leave
    little, near rows are in few lists and so close that short codes confuse them.

    Args:
        rows, nodes: the steps of short codes and of nodes.
        shape: the widths of codes.
    """
    count = min(shape.short, shape.dimension)
    with np.errstate(all="ignore"):  # steps of a damaged part may be anything
        left = _energy(rows, short_bits(shape), count)
        return bool(left > _WIDE * _energy(nodes, node_bits(), count))


def _energy(steps: NDArray[Any], bits: NDArray[np.int64], count: int) -> float:
    """The sum of the squared deviations that steps were made for."""
    units = steps_of(np.ones(count, np.float32), bits[:count])
    deviations = np.asarray(steps.ravel()[:count] / units, np.float64)
    return float(deviations @ deviations)
