"""An answer chosen from more candidates than are asked for: varied, and each thing once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from mitame.collection import View
from mitame.errors import UsageError
from mitame.search import Answer, Neighbor
from mitame.variety import collapsed, varied

MAX_REFINED = 1_000
"""Neighbours that a refined answer may have."""
MAX_CANDIDATES = 4_000
_PER_NEIGHBOR = 5
"""Candidates per neighbour that a varied answer is chosen from."""
_LEAST = 50

Find: TypeAlias = Callable[[int], Answer]
"""The nearest so many."""


@dataclass(frozen=True)
class Refinement:
    """What is wanted beside nearness.

    Attributes:
        diversity: 0 to 1, see `mitame.variety.varied`.
        collapse: score from which two neighbours count as one, the nearer; never where None.
    """

    diversity: float = 0.0
    collapse: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is."""
        return self.diversity > 0 or self.collapse is not None


def refined(view: View, find: Find, limit: int, wish: Refinement) -> Answer:
    """The answer to a question, refined.

    Neighbours stand in the order in which they were chosen; with diversity that is not the order
    of distance. Where near-copies leave fewer than the limit, more candidates are looked at, up
    to 4,000.

    Args:
        view: the moment that `find` asks.
        find: answers the question.
        limit: 1 to 1,000.
        wish: what is wanted.

    Raises:
        UsageError: a greater limit.
    """
    started = time.perf_counter()
    if limit > MAX_REFINED:
        raise UsageError(
            f"limit is {limit} with diversity or collapse", remedy=f"use 1 to {MAX_REFINED}"
        )
    enough = limit if wish.diversity == 0 else max(_LEAST, _PER_NEIGHBOR * limit)
    asked = min(MAX_CANDIDATES, max(_LEAST, 2 * enough))
    while True:
        found = find(asked)
        kept = _distinct(view, found, wish.collapse)
        if len(kept) >= enough or not found.complete or asked == MAX_CANDIDATES:
            break
        asked = min(MAX_CANDIDATES, 4 * asked)
    chosen = _chosen(view, found, kept[:enough], limit, wish.diversity)
    whole = len(chosen) == limit
    return replace(
        found,
        neighbors=chosen,
        complete=whole,
        reason=None if whole else _reason(found, len(chosen), wish),
        took_ms=(time.perf_counter() - started) * 1_000,
    )


def _distinct(view: View, found: Answer, at: float | None) -> tuple[Neighbor, ...]:
    if at is None or not found.neighbors:
        return found.neighbors
    metric = view.lenses[found.lens].spec.distance
    vectors = view.vectors_at(found.lens, _rows(found.neighbors))
    return tuple(found.neighbors[n] for n in collapsed(vectors, metric, at).tolist())


def _chosen(
    view: View, found: Answer, kept: tuple[Neighbor, ...], limit: int, diversity: float
) -> tuple[Neighbor, ...]:
    if diversity == 0 or not kept:
        return kept[:limit]
    metric = view.lenses[found.lens].spec.distance
    relevance = np.array([each.score for each in kept])
    vectors = view.vectors_at(found.lens, _rows(kept))
    return tuple(kept[n] for n in varied(relevance, vectors, metric, diversity, limit).tolist())


def _rows(neighbors: tuple[Neighbor, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([each.row for each in neighbors], np.int64)


def _reason(found: Answer, answered: int, wish: Refinement) -> str | None:
    if found.complete and wish.collapse is not None:
        count = len(found.neighbors)
        return f"the nearest {count} items are near-copies of only {answered}"
    return found.reason
