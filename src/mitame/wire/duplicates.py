"""Bodies about near-copies."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mitame.wire.base import Body, Filter, Reply

MAX_IDS = 1_000
"""Ids of a group that are answered."""


class DuplicatesBody(Body):
    """Which near-copies are looked for.

    Attributes:
        score: from which two items are near-copies; what the lens calls the same where left out.
        filter: only among items that pass; an object, or text.
        lens: which way of being alike; the collection's first one where left out.
        limit: groups of a page.
        cursor: of the page before.
    """

    score: float | None = None
    filter: Filter | str | None = None
    lens: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, msgspec.Meta(max_length=8_000)] | None = None


class Group(Reply):
    """Items that hang together: from each a chain of near-copies leads to each other.

    Attributes:
        ids: ascending; the first 1,000.
        size: how many there are.
    """

    ids: list[str]
    size: int


class DuplicatesReply(Reply):
    """Groups of near-copies, by their first id.

    Attributes:
        groups: of this page.
        total: groups in all.
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
