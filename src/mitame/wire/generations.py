"""Bodies about the snapshots of a collection."""

from __future__ import annotations

from mitame.wire.base import Reply


class Generation(Reply):
    """A snapshot that can be served.

    Attributes:
        number: of the generation.
        position: of the journal, up to which it has everything.
        items: how many it has.
        bytes: of its files.
        created: seconds since 1970.
        served: it is the one that answers now.
        problem: why it can't be opened; null where it can.
    """

    number: int
    position: int
    items: int
    bytes: int
    created: int
    served: bool
    problem: str | None


class GenerationList(Reply):
    """The snapshots of a collection, by number.

    Attributes:
        generations: all that there are.
        delta: changes that the served one does not have; they are searched beside it.
    """

    generations: list[Generation]
    delta: int
