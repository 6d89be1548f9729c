"""Requests about votes on two answers. The first argument is the collection's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mitame.client.request import Request, collection_path, json, reader
from mitame.collection.item import check_id
from mitame.wire.comparisons import Better, ComparisonList, ComparisonReply


def vote(
    collection: str,
    item: str | int,
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    better: Better,
) -> Request[ComparisonReply]:
    """Tell which of two answers to the same question is better.

    Args:
        item: that was asked about.
        left, right: the answers: ``lens``, ``ids``, and where they matter ``exact``,
            ``generation``, and ``delta``, which is false where a generation was asked alone.
        better: ``left``, ``right`` or ``neither``.

    Raises:
        ItemNotFound, UnknownLens: there is none.
    """
    body = {"item": check_id(item), "left": dict(left), "right": dict(right), "better": better}
    path = collection_path(collection, "/comparisons")
    return Request("POST", path, reader(ComparisonReply), body=json(body), again=False)


def votes(collection: str, *, after: int = 0, limit: int = 100) -> Request[ComparisonList]:
    """Votes in the order in which they were given, and the totals of all.

    Args:
        after: begin past this sequence number.
        limit: votes at most, 1 to 1,000.
    """
    path = collection_path(collection, "/comparisons")
    return Request("GET", path, reader(ComparisonList), query={"after": after, "limit": limit})
