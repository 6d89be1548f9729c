"""Bodies about two items beside each other."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mitame.wire.base import Body, Reply


class CompareBody(Body):
    """What an item is compared with: exactly one of other, image_base64 and image_url.

    Attributes:
        id: the item's.
        other: another item's id.
        image_base64: a picture's file.
        image_url: where a picture can be had.
        lens: in which neighbours are looked for; the collection's first one where left out.
        limit: so many neighbours of each are compared.
        patches: tell which parts of the pictures are alike, where that can be told.
    """

    id: str
    other: str | None = None
    image_base64: str | None = None
    image_url: str | None = None
    lens: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    patches: bool = True


class LensApart(Reply):
    """How far the two are apart in a lens.

    Attributes:
        distance: by the lens's metric.
        score: how alike, higher is nearer.
        match: what a neighbour with this score is called.
        images: which of their images are nearest to each other, from 0.
    """

    lens: str
    distance: float
    score: float
    match: Literal["same", "similar", "weak"]
    images: list[int]


class PatchGrid(Reply):
    """The parts of one of the pictures, row by row.

    Attributes:
        box: what the grid covers: left, top, right and bottom as shares of the picture.
        similarity: cosine of each part with the most alike one of the other picture.
        match: which that is, counted row by row from 0.
        share: what each part brings to the score; all together are the score.
    """

    box: list[float]
    similarity: list[list[float]]
    match: list[list[int]]
    share: list[list[float]]


class MatchedPatches(Reply):
    """Which parts of the two pictures are alike.

    Attributes:
        lens: that was asked.
        first: the item's picture.
        second: the other's.
    """

    lens: str
    first: PatchGrid
    second: PatchGrid


class CompareReply(Reply):
    """Two items beside each other, or an item and a picture.

    Attributes:
        lenses: those in which both have a vector.
        lens: in which neighbours were looked for.
        limit: how many of each.
        rank: the other item's place among the neighbours, from 1; null where it is none of them.
        common: ids that are among the neighbours of both, nearest to the item first.
        patches: which parts are alike; null where that can't be told.
        note: why not.
    """

    lenses: list[LensApart]
    lens: str
    limit: int
    rank: int | None
    common: list[str]
    patches: MatchedPatches | None
    note: str | None
    generation: int
    position: int
