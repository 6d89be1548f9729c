"""One thing that a user did with an answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mitame.errors import UsageError
from mitame.feedback.question import AskedQuestion

EVENT_TYPES = ("shown", "clicked", "bought", "judged")
VALUES = ("same", "similar", "different")
MAX_RANK = 1_000_000
MAX_EVENT_ID = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """What happened.

    Attributes:
        type: ``shown``, ``clicked``, ``bought`` or ``judged``.
        item: id of the neighbour.
        rank: its place in the answer as it was shown, from 1.
        value: what it was judged to be: ``same``, ``similar`` or ``different``.
        at: when, microseconds since 1970.
        event_id: the sender's own; one that says the same again counts once.
    """

    type: str
    item: str
    rank: int | None = None
    value: str | None = None
    at: int | None = None
    event_id: str | None = None

    def __post_init__(self) -> None:
        if self.type not in EVENT_TYPES:
            raise UsageError(
                f"an event can't be {self.type[:40]!r}", remedy=f"use {', '.join(EVENT_TYPES)}"
            )
        if (self.type == "judged") != (self.value in VALUES):
            raise UsageError(
                f"a {self.type} event has the value {self.value!r}"[:120],
                remedy=f"judged events have one of {', '.join(VALUES)}, others have none",
            )
        if self.rank is not None and not 1 <= self.rank <= MAX_RANK:
            raise UsageError(f"an event's rank is {self.rank}", remedy=f"use 1 to {MAX_RANK}")
        if self.event_id is not None and not 1 <= len(self.event_id) <= MAX_EVENT_ID:
            raise UsageError(
                f"an event_id has {len(self.event_id)} characters",
                remedy=f"use 1 to {MAX_EVENT_ID}",
            )

    @property
    def identity(self) -> str:
        """What tells it from other events of the same answer."""
        if self.event_id is not None:
            return f"id:{self.event_id}"
        text = json.dumps(asdict(self), sort_keys=True)
        return f"is:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class StoredEvent:
    """An event as it is kept.

    Attributes:
        sequence: its number; later ones are greater.
        query_id: of the answer.
        event: what happened.
        received: when it was stored, microseconds since 1970.
        question: what was asked; None where nobody knows any more.
    """

    sequence: int
    query_id: str
    event: Event
    received: int
    question: AskedQuestion | None

    def to_json(self, *, vectors: bool = False) -> dict[str, Any]:
        """As a line of an export.

        Args:
            vectors: with those of the question.
        """
        event = self.event
        return {
            "sequence": self.sequence,
            "query_id": self.query_id,
            "type": event.type,
            "id": event.item,
            "rank": event.rank,
            "value": event.value,
            "at": None if event.at is None else time_text(event.at),
            "received": time_text(self.received),
            "event_id": event.event_id,
            "question": None if self.question is None else self.question.to_json(vectors=vectors),
        }


def microseconds(at: datetime) -> int:
    """Since 1970.

    Raises:
        UsageError: no zone, or not between 1970 and 9000.
    """
    if at.tzinfo is None or not _EPOCH <= at <= _END:
        raise UsageError(
            f"an event's time is {at.isoformat()}", remedy="use one since 1970, with its zone"
        )
    return (at - _EPOCH) // timedelta(microseconds=1)


def time_text(at: int) -> str:
    """Microseconds since 1970 as RFC 3339."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")
