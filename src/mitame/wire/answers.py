"""Answers to questions for neighbours, whichever route they came by."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from mitame.wire.base import Reply

MatchWord: TypeAlias = Literal["same", "similar", "weak"]


class NeighborReply(Reply):
    """An item of an answer.

    Attributes:
        id: the item's.
        score: how alike, higher is nearer.
        distance: by the lens's metric.
        match: what the score is called under the lens's spec.
        category: the item's; null for none.
        attributes: the item's; left out where they were not asked for.
        image: path of its thumbnail on this server; leads nowhere where the item is gone.
        vector: of its nearest image; left out unless asked for.
        explain: how it came to be here; left out unless asked for.
        since: what has become of it since the generation that was asked: changed, it has other
            vectors now, or gone; left out where it is as it was.
    """

    id: str
    score: float
    distance: float
    match: MatchWord
    category: str | None
    image: str
    attributes: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    vector: list[float] | msgspec.UnsetType = msgspec.UNSET
    explain: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    since: Literal["changed", "gone"] | msgspec.UnsetType = msgspec.UNSET


class AnswerReply(Reply, kw_only=True):
    """Neighbours, nearest first, ties by id.

    Attributes:
        query_id: names this answer, in feedback.
        took_ms: milliseconds that the search took; 0 where the answer was still known.
        generation: of the snapshot that answered, with all later changes on top; 0 for none. Alone
            where it was asked for by its number.
        neighbors: at most as many as were asked for.
        exact: these are the true nearest.
        complete: there are as many as were asked for.
        reason: why not, where there aren't.
        reliable: the best neighbour is at least similar.
        lens: the one that was searched.
        moved: the collection has changed since the page that the cursor came from.
        position: of the journal, at which the collection was searched.
        cursor: asks for what comes after these; null where nothing does.
    """

    query_id: str
    took_ms: float
    generation: int
    neighbors: list[NeighborReply]
    exact: bool
    complete: bool
    reason: str | None
    reliable: bool
    lens: str
    moved: bool | msgspec.UnsetType = msgspec.UNSET
    position: int
    cursor: str | msgspec.UnsetType | None = msgspec.UNSET
