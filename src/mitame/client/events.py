"""Requests about feedback: events after an answer. The first argument is the collection's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mitame.client.request import Reply, Request, collection_path, given, reader
from mitame.collection import check_id
from mitame.wire.feedback import FeedbackLine, FeedbackStored


def feedback(
    collection: str,
    query_id: str,
    events: Iterable[Mapping[str, Any]],
    *,
    item: str | int | None = None,
) -> Request[FeedbackStored]:
    """Tell what users did with an answer. An event that is sent again counts once.

    Args:
        query_id: the answer's.
        events: such as ``{"type": "clicked", "id": "sku-9", "rank": 1}``; ``at`` is a datetime
            with a zone, or RFC 3339.
        item: that the question was about, where the answer's id is one of your own.
    """
    body = {
        "query_id": query_id,
        "events": list(events),
        "item": None if item is None else check_id(item),
    }
    path = collection_path(collection, "/feedback")
    return Request("POST", path, reader(FeedbackStored), body=given(body))


def feedback_events(
    collection: str, *, after: int = 0, limit: int = 1_000, with_vectors: bool = False
) -> Request[list[FeedbackLine]]:
    """Feedback that was stored, in order, each event with its question.

    Args:
        after: begin past this sequence number.
        limit: events at most, 1 to 10,000.
        with_vectors: with those of the questions, in base64.
    """
    fields = {"after": after, "limit": limit, "with_vectors": with_vectors}
    path = collection_path(collection, "/feedback")

    def read(reply: Reply) -> list[FeedbackLine]:
        return [msgspec.json.decode(line, type=FeedbackLine) for line in reply.body.splitlines()]

    return Request("GET", path, read, query=fields)
