"""Points on a plane beside their neighbours: edges pull, all others push a little.

The forces are those of UMAP (McInnes, Healy and Melville, 2018, section 3.2) with the kernel
1 / (1 + d^2). They are not applied edge by edge but for all points at once: a step goes as far as
the pull of all edges together allows, so that it can't overshoot, and what pushes is a few random
shifts of the whole list instead of points drawn one by one. So NumPy can do it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mitame.projection.fuzzy_graph import FuzzyGraph

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

MOST_EPOCHS, FEWEST_EPOCHS = 200, 30
_WORK = 10_000_000
"""Points times epochs: a hundred thousand points take three to ten seconds on one core."""
_PUSHING = 8
"""Points that push each point in an epoch."""
_STRENGTH = 5.0
"""Points that push for each edge that pulls."""
_HARDEST = 4.0
"""That one point may push."""
_NEARLY = 0.001
_EXTENT = 0.03
"""Of the start, by the root of the number of points: the forces spread it out from there."""
_SMOOTHINGS = 10
_JITTER = 1e-3
_SEED = 0


def epochs_for(points: int) -> int:
    """How many times points are moved: fewer where there are many."""
    return max(FEWEST_EPOCHS, min(MOST_EPOCHS, _WORK // max(1, points)))


def started(graph: FuzzyGraph, places: Floats) -> Floats:
    """Where a layout begins: a projection, each point drawn to its neighbours, and small.

    Args:
        graph: of the points.
        places: float32[points, 2], of any scale.
    """
    found = places - places.mean(axis=0) if len(places) else places
    found = found / max(float(np.quantile(np.abs(found), 0.99)) if found.size else 1.0, 1e-30)
    found = found.astype(np.float32)
    totals = _sums(graph, graph.weights)
    for _ in range(_SMOOTHINGS):
        for axis in (0, 1):
            drawn = _sums(graph, graph.weights * found[graph.tails, axis])
            found[graph.heads, axis] = drawn / totals
    spread = max(float(np.quantile(np.abs(found), 0.99)) if found.size else 1.0, 1e-30)
    jitter = np.random.default_rng(_SEED).normal(0, _JITTER, found.shape)
    size = _EXTENT * np.sqrt(max(1, len(found)))
    begun: Floats = ((found / spread + jitter) * size).astype(np.float32)
    return begun


def laid_out(
    graph: FuzzyGraph,
    start: Floats,
    epochs: int,
    on_share: Callable[[float], None] = lambda _: None,
) -> Floats:
    """Where points lie after so many epochs; the same each time for the same arguments.

    Args:
        graph: only points that see edges in it are moved.
        start: float32[points, 2], of `started` or of an earlier layout.
        epochs: at least 1.
        on_share: called with the share that is done.

    Returns:
        float32[points, 2]; what `start` was of stays where it was but for the movement.
    """
    rng = np.random.default_rng(_SEED)
    x, y = start[:, 0].astype(np.float32), start[:, 1].astype(np.float32)
    heads, weight = graph.heads, _sums(graph, graph.weights)
    if not len(heads) or graph.points < 2:
        return np.stack([x, y], axis=1)
    owner = np.repeat(heads, np.diff(np.append(graph.starts, len(graph.tails))))
    push = weight * np.float32(_STRENGTH / _PUSHING)
    for epoch in range(epochs):
        rate = np.float32(1 - epoch / epochs)
        pull, pull_x, pull_y = _pulled(graph, owner, x, y)
        push_x, push_y = _pushed(heads, x, y, rng.integers(1, graph.points, _PUSHING))
        reach = rate / (1 + rate * pull)
        x[heads] += reach * (pull_x + push * push_x)
        y[heads] += reach * (pull_y + push * push_y)
        on_share((epoch + 1) / epochs)
    return np.stack([x, y], axis=1)


def _pulled(
    graph: FuzzyGraph, owner: Numbers, x: Floats, y: Floats
) -> tuple[Floats, Floats, Floats]:
    """float32[heads] each: how hard the edges pull in sum, and whereto."""
    to_x, to_y = x[graph.tails] - x[owner], y[graph.tails] - y[owner]
    force = graph.weights * 2 / (1 + to_x * to_x + to_y * to_y)
    return _sums(graph, force), _sums(graph, force * to_x), _sums(graph, force * to_y)


def _pushed(heads: Numbers, x: Floats, y: Floats, shifts: Numbers) -> tuple[Floats, Floats]:
    """float32[heads] each: whereto the points so many places further on push."""
    push_x, push_y = np.zeros(len(heads), np.float32), np.zeros(len(heads), np.float32)
    own_x, own_y = x[heads], y[heads]
    for shift in shifts.tolist():
        others = (heads + shift) % len(x)
        from_x, from_y = own_x - x[others], own_y - y[others]
        away = from_x * from_x + from_y * from_y
        force = 2 / ((_NEARLY + away) * (1 + away))
        push_x += np.clip(force * from_x, -_HARDEST, _HARDEST)
        push_y += np.clip(force * from_y, -_HARDEST, _HARDEST)
    return push_x, push_y


def _sums(graph: FuzzyGraph, values: Floats) -> Floats:
    """float32[heads] of float32[edges]: the sum over the edges of each point that has some."""
    if not len(values):
        return np.zeros(0, np.float32)
    return np.add.reduceat(values, graph.starts)
