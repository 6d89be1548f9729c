"""Bodies of questions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from mitame.wire.answers import AnswerReply
from mitame.wire.base import Body, Filter, Limit, Reply

Vector: TypeAlias = list[float] | str
"""Numbers, or base64 of little-endian float32."""
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=999_999)]
"""Of a generation."""
Region: TypeAlias = Annotated[list[Share], msgspec.Meta(min_length=4, max_length=4)]
"""Left, top, right and bottom of a box, as shares of the picture's width and height."""
Wish: TypeAlias = Literal["attributes", "vector", "explain"]
Ids: TypeAlias = Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]


class Example(Body):
    """An example: exactly one of its fields.

    Attributes:
        id: of an item.
        vector: of the lens.
        image_base64: a picture's file.
        image_url: where a picture can be had.
        text: what is to be seen; for lenses with a text side.
    """

    id: str | None = None
    vector: Vector | None = None
    image_base64: str | None = None
    image_url: str | None = None
    text: str | None = None


Examples: TypeAlias = Annotated[list[Example], msgspec.Meta(max_length=100)]


class Options(Body):
    """How a question is to be answered.

    Attributes:
        limit: at most so many neighbours.
        filter: only items that pass; an object, or text such as ``category=mug,price<5000``.
        lens: which way of being alike; the collection's first one where left out.
        region: the box of the picture that is asked about; all of it where left out.
        score_threshold: only items with at least this score.
        diversity: 0 for the nearest, up to 1 for the most unlike each other.
        collapse: true answers near-copies once; a number is the score from which they are.
        exact: look at every vector.
        effort: how hard to look, 0 (quickest) to 1; as was tuned where left out.
        generation: ask this kept snapshot alone, without what has changed since it was made; the
            served one, with all changes, where left out.
        wishes: what neighbours are to be told with; attributes where left out.
    """

    limit: Limit = 10
    filter: Filter | str | None = None
    lens: str | None = None
    region: Region | None = None
    score_threshold: float | None = None
    diversity: Share = 0.0
    collapse: bool | float = False
    exact: bool = False
    effort: Share | None = None
    generation: Number | None = None
    wishes: list[Wish] = msgspec.field(default_factory=lambda: ["attributes"], name="with")


class QueryBody(Options):
    """A question: exactly one of id, ids, vector, image, image_url, text and positive.

    Attributes:
        id: of an item; it is never in its own answer.
        ids: of items; what is near to any of them.
        vector: of the lens.
        image: a picture's file in base64; or send it as a part of a form, or as the body.
        image_base64: the same.
        image_url: where a picture can be had.
        text: what is to be seen; for lenses with a text side.
        positive: examples of what is looked for.
        negative: examples of what is not; beside positive ones.
        negative_weight: how far to go away from them, 0 to 10.
    """

    id: str | None = None
    ids: Ids | None = None
    vector: Vector | None = None
    image: str | None = None
    image_base64: str | None = None
    image_url: str | None = None
    text: str | None = None
    positive: Examples | None = None
    negative: Examples | None = None
    negative_weight: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.25


class QueryFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The rest of a question whose body is a picture or a vector, in the query string.

    Fields are those of a question's body; region is ``x0,y0,x1,y1``, with is ``vector,explain``.
    """

    limit: Limit = 10
    filter: str | None = None
    lens: str | None = None
    region: str | None = None
    score_threshold: float | None = None
    diversity: Share = 0.0
    collapse: bool | float = False
    exact: bool = False
    effort: Share | None = None
    generation: Number | None = None
    wishes: str | None = msgspec.field(default=None, name="with")


class ExplainedAnswer(AnswerReply):
    """An answer.

    Attributes:
        explain: how it was found: the engine, how many candidates, how many items pass the
            filter; left out unless asked for.
    """

    explain: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class QueryBatch(Body):
    """Several questions, answered at one moment of the collection."""

    queries: list[msgspec.Raw]


class BatchAnswer(Reply):
    """The answer to one question of a batch.

    Attributes:
        status: as HTTP would have it.
        answer: where the status is 200.
        code, detail: what is wrong, elsewhere.
    """

    status: int
    answer: ExplainedAnswer | None = None
    code: str | None = None
    detail: str | None = None


class BatchAnswers(Reply):
    """The answers to the questions of a batch, in their order."""

    answers: list[BatchAnswer]
