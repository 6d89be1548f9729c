"""Bodies of feedback."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from mitame.wire.base import Body, Reply

EventType: TypeAlias = Literal["shown", "clicked", "bought", "judged"]
Judgement: TypeAlias = Literal["same", "similar", "different"]
QueryId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ItemId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
MAX_EVENTS = 1_000


class EventBody(Body):
    """What a user did with a neighbour.

    Attributes:
        type: shown, clicked, bought or judged.
        id: of the neighbour.
        rank: its place as it was shown, from 1.
        value: what it was judged to be; for judged alone.
        at: when; RFC 3339 with a zone.
        event_id: your own name for it: sent again, it counts once. Without one, an event counts
            once that says the same in every field as an earlier one about the same answer.
    """

    type: EventType
    id: ItemId
    rank: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    value: Judgement | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class FeedbackBody(Body):
    """What users did with an answer.

    Attributes:
        query_id: of the answer.
        events: 1 to 1,000 of them.
        item: the item that the question was about, for a query_id that says nothing here, as one
            of your own.
    """

    query_id: QueryId
    events: Annotated[list[EventBody], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]
    item: ItemId | None = None


class FeedbackStored(Reply):
    """What became of feedback.

    Attributes:
        stored: events that are new.
        known: events that were stored before.
        question: the question is known: learning can use them. One that another worker has
            answered within the last second may become known a moment later, without your doing.
    """

    stored: int
    known: int
    question: bool


class FeedbackFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which events are to be exported.

    Attributes:
        after: begin past this sequence number: that of the last line that was read.
        limit: lines at most.
        with_vectors: with those of the questions, in base64.
    """

    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    with_vectors: bool = False


class FeedbackLine(Reply):
    """A line of an export.

    Attributes:
        sequence: its number, which only ever grows.
        received: when it was stored.
        question: what was asked: kind, lens, the spec's fingerprint, the journal's position, ids,
            the answer's ids, filter, and vectors in base64 of float32 with their shape; null where
            that is not known.
    """

    sequence: int
    query_id: str
    type: EventType
    id: str
    rank: int | None
    value: Judgement | None
    at: str | None
    received: str
    event_id: str | None
    question: dict[str, Any] | None
