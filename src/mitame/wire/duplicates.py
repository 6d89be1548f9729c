"""Bodies about near-copies."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from mitame.wire.base import Body, Filter, Reply

MAX_IDS = 1_000
"""Ids of a group that are answered."""
Verdict: TypeAlias = Literal["same", "different"]
ItemId: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class DuplicatesBody(Body):
    """Which near-copies are looked for.

    Attributes:
        score: from which two items are near-copies; what the lens calls the same where left out.
        filter: only among items that pass; an object, or text.
        lens: which way of being alike; the collection's first one where left out.
        limit: groups of a page.
        cursor: of the page before.
        decided: only groups about which something was decided, or only the others; all where
            left out.
    """

    score: float | None = None
    filter: Filter | str | None = None
    lens: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, msgspec.Meta(max_length=8_000)] | None = None
    decided: bool | None = None


class DecisionBody(Body):
    """What is decided about near-copies.

    Attributes:
        ids: of 2 to 1,000 items: a group, or a pair.
        value: they show the same, or they don't.
    """

    ids: Annotated[list[ItemId], msgspec.Meta(min_length=2, max_length=MAX_IDS)]
    value: Verdict


class DecisionReply(Reply):
    """What was decided about near-copies.

    Attributes:
        id: follows from the items: deciding otherwise keeps it.
        value: same or different.
        ids: of the items, ascending.
        at: when; RFC 3339.
        sequence: greater for later ones; the ``ETag``, too.
    """

    id: str
    value: Verdict
    ids: list[str]
    at: str
    sequence: int


class DecisionList(Reply):
    """Decisions in the order in which they were made.

    Attributes:
        decisions: of this page.
        after: asks for the next page; null at the end.
    """

    decisions: list[DecisionReply]
    after: int | None


class GroupDecision(Reply):
    """What was decided about a group: all its items are in that decision.

    Attributes:
        id: the decision's.
        value: same or different.
    """

    id: str
    value: Verdict


class Group(Reply):
    """Items that hang together: from each a chain of near-copies leads to each other.

    Attributes:
        ids: ascending; the first 1,000.
        size: how many there are.
        decision: about it; null where there is none.
    """

    ids: list[str]
    size: int
    decision: GroupDecision | None = None


class DuplicatesReply(Reply):
    """Groups of near-copies, by their first id.

    Attributes:
        groups: of this page.
        total: groups in all, of those that were asked for.
        cursor: asks for the next page; null at the end. Each page is of its own moment: groups
            that come and go meanwhile move no others.
        exact: every pair was seen.
        score: that was looked for.
        took_ms: milliseconds.
    """

    groups: list[Group]
    total: int
    cursor: str | None
    exact: bool
    score: float
    lens: str
    position: int
    generation: int
    took_ms: float
