"""What a query is, and what its answer is: items, each with how alike it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Attribute, ItemImage, Since
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import UsageError
from mitame.filters import Filter

MAX_LIMIT = 10_000
MatchWord: TypeAlias = Literal["same", "similar", "weak"]


@dataclass(frozen=True)
class Query:
    """What is asked.

    Attributes:
        lens: name of the lens.
        vectors: float32[m, dimension], m at least 1; an item counts with the nearest of its
            images to any of them.
        limit: how many neighbours, 1 to 10,000.
        where: only items that pass.
        exclude: ids of items never to be answered.
        score_threshold: only items with at least this score (`mitame.distances.score`).
        effort: how hard the engine looks, 0 (quickest) to 1 (all); as was chosen where None.
        exact: look at every row instead of asking the engine.
    """

    lens: str
    vectors: NDArray[np.float32]
    limit: int = 10
    where: Filter | None = None
    exclude: frozenset[str] = field(default_factory=frozenset)
    score_threshold: float | None = None
    effort: float | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        check_limit(self.limit)
        check_effort(self.effort)


@dataclass(frozen=True)
class Neighbor:
    """An item of an answer.

    Attributes:
        id: the item's.
        score: how alike, higher is nearer; `mitame.distances.score`.
        distance: by the lens's metric.
        match: ``same``, ``similar`` or ``weak``, by the limits in the lens's spec.
        category, attributes: the item's.
        image: the one that is nearest, without vectors.
        row: of its vector, as the view counts rows.
        since: where an older generation was asked: ``changed``, the item has other vectors now,
            or ``gone``, it has been removed; None where it is as it was.
    """

    id: str
    score: float
    distance: float
    match: MatchWord
    category: str | None
    attributes: Mapping[str, Attribute]
    image: ItemImage
    row: int = -1
    since: Since | None = None

    def to_json(self) -> dict[str, Any]:
        """As in an answer's body; the image by its source."""
        since = {} if self.since is None else {"since": self.since}
        return {
            "id": self.id,
            "score": self.score,
            "distance": self.distance,
            "match": self.match,
            "category": self.category,
            "attributes": dict(self.attributes),
            "image": self.image.source,
            **since,
        }


@dataclass(frozen=True)
class Answer:
    """Neighbours, nearest first, ties by id.

    Attributes:
        neighbors: at most as many as were asked for.
        complete: there are as many as were asked for.
        reason: why not, where there aren't.
        took_ms: milliseconds.
        exact: these are the true nearest.
        position: of the journal, at which the collection was searched.
        lens: the one that was searched.
    """

    neighbors: tuple[Neighbor, ...]
    complete: bool
    reason: str | None
    took_ms: float
    exact: bool
    position: int
    lens: str

    @property
    def reliable(self) -> bool:
        """The best neighbour is at least similar."""
        return bool(self.neighbors) and self.neighbors[0].match != "weak"

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "neighbors": [neighbor.to_json() for neighbor in self.neighbors],
            "complete": self.complete,
            "reason": self.reason,
            "reliable": self.reliable,
            "took_ms": round(self.took_ms, 3),
            "exact": self.exact,
            "position": self.position,
            "lens": self.lens,
        }


def check_limit(limit: int) -> int:
    """The limit itself.

    Raises:
        UsageError: not 1 to 10,000.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise UsageError(f"limit is {limit!r}", remedy=f"use 1 to {MAX_LIMIT}")
    return limit


def check_effort(effort: float | None) -> float | None:
    """The effort itself, as a float.

    Raises:
        UsageError: neither None nor 0 to 1.
    """
    if effort is None:
        return None
    if isinstance(effort, bool) or not isinstance(effort, Real) or not 0 <= effort <= 1:
        raise UsageError(f"effort is {effort!r}"[:80], remedy="use 0 (quickest) to 1 (all)")
    return float(effort)


def match_word(value: float, spec: EmbedderSpec) -> MatchWord:
    """What a score is called under a spec."""
    if value >= spec.same_at:
        return "same"
    return "similar" if value >= spec.similar_at else "weak"
