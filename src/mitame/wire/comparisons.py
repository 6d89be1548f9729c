"""Bodies about votes on two answers to the same question."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from mitame.wire.base import Body, Reply

Better: TypeAlias = Literal["left", "right", "neither"]
_Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
_Lens: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class SideBody(Body):
    """An answer that was shown.

    Attributes:
        lens: that was searched.
        ids: that were answered, nearest first.
        exact: every vector was looked at.
        generation: that answered, as the answer says.
        delta: with what had changed since; false where the generation was asked alone.
    """

    lens: _Lens
    ids: Annotated[list[_Id], msgspec.Meta(max_length=50)]
    exact: bool = False
    generation: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    delta: bool = True


class ComparisonBody(Body):
    """Which of two answers is better.

    Attributes:
        item: id of the item that was asked about.
        left, right: the answers; of two lenses, or one exact and the other not, or of two
            generations.
        better: left, right or neither.
    """

    item: _Id
    left: SideBody
    right: SideBody
    better: Better


class SideReply(Reply):
    """An answer that was shown; fingerprint: of the lens's spec at that time."""

    lens: str
    fingerprint: str
    exact: bool
    generation: int
    ids: list[str]
    delta: bool


class ComparisonReply(Reply):
    """A vote.

    Attributes:
        sequence: its number, which only ever grows.
        item, left, right, better: as they were told.
        at: when it was stored; RFC 3339.
    """

    sequence: int
    item: str
    left: SideReply
    right: SideReply
    better: Better
    at: str


class ComparisonTotal(Reply):
    """All votes on a pair of sides, whichever was shown left.

    Attributes:
        sides: their names in order: the lens, with `` exact`` behind it where it was. Where
            generations were compared, then ``, generation`` and its number, with `` alone`` behind
            it where it was asked without what had changed since.
        first, second, neither: how often which of the two was better.
    """

    sides: list[str]
    first: int
    second: int
    neither: int


class ComparisonList(Reply):
    """Votes in the order in which they were given.

    Attributes:
        comparisons: of this page.
        totals: of all that are kept.
        after: asks for the next page; null at the end.
    """

    comparisons: list[ComparisonReply]
    totals: list[ComparisonTotal]
    after: int | None
