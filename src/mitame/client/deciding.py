"""Requests about what was decided on near-copies. The first argument is the collection's name."""

from __future__ import annotations

from collections.abc import Iterable

from mitame.client.request import Request, collection_path, json, nothing, place, reader
from mitame.collection.item import check_id
from mitame.wire.duplicates import DecisionList, DecisionReply, Verdict


def decide(
    collection: str, ids: Iterable[str | int], value: Verdict, *, replace: bool = True
) -> Request[DecisionReply]:
    """Decide whether near-copies show the same; groups all of whose items are named are decided.

    Args:
        ids: of 2 to 1,000 items.
        value: ``same`` or ``different``.
        replace: also where something was decided about just these items already.

    Raises:
        ItemNotFound: one of the items is not there.
        PreconditionFailed: something is decided, and is not to be replaced.
    """
    body = {"ids": [check_id(each) for each in ids], "value": value}
    headers = {} if replace else {"If-None-Match": "*"}
    path = collection_path(collection, "/duplicates:decide")
    read = reader(DecisionReply)
    return Request("POST", path, read, body=json(body), headers=headers, again=replace)


def decisions(collection: str, *, after: int = 0, limit: int = 100) -> Request[DecisionList]:
    """What was decided on near-copies, in the order in which it was.

    Args:
        after: begin past this sequence number.
        limit: decisions at most, 1 to 1,000.
    """
    path = collection_path(collection, "/duplicates/decisions")
    return Request("GET", path, reader(DecisionList), query={"after": after, "limit": limit})


def decision(collection: str, id: str) -> Request[DecisionReply]:  # noqa: A002 - as users know it
    """One decision.

    Args:
        id: the decision's.

    Raises:
        DecisionNotFound: there is none.
    """
    return Request("GET", _path(collection, id), reader(DecisionReply))


def withdraw(collection: str, id: str) -> Request[None]:  # noqa: A002 - as users know it
    """Forget a decision: its group is undecided again.

    Args:
        id: the decision's.

    Raises:
        DecisionNotFound: there is none.
    """
    return Request("DELETE", _path(collection, id), nothing, again=False)


def _path(collection: str, name: str) -> str:
    return collection_path(collection, f"/duplicates/decisions/{place(name)}")
