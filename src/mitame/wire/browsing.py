"""Bodies of looking at what a collection holds: facets, names, a few items."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from mitame.wire.base import Body, Filter, Reply
from mitame.wire.items import ItemInfo

Key: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Bounds: TypeAlias = dict[Literal["lt", "lte", "gt", "gte"], int | float | str]
Kind: TypeAlias = Literal["boolean", "list", "null", "number", "text"]


class FacetsBody(Body):
    """What is to be counted.

    Attributes:
        filter: only items that pass; an object, or text such as ``category=mug,price<5000``.
        keys: names of attributes, or ``category``.
        limit: values of each that are told, the most frequent ones.
        ranges: by one of the keys, ranges such as ``{"gte": 0, "lt": 100}`` to count besides.
    """

    filter: Filter | str | None = None
    keys: Annotated[list[Key], msgspec.Meta(min_length=1, max_length=16)] = msgspec.field(
        default_factory=lambda: ["category"]
    )
    limit: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 10
    ranges: Annotated[
        dict[str, Annotated[list[Bounds], msgspec.Meta(max_length=100)]],
        msgspec.Meta(max_length=16),
    ] = msgspec.field(default_factory=dict)


class FacetValue(Reply):
    """A value, and how many items that pass have it."""

    value: str | int | float | bool | None
    count: int


class FacetRange(Reply):
    """A range as it was asked for, and how many items that pass lie in it."""

    range: Bounds
    count: int


class Facet(Reply):
    """How the items that pass are spread over the values of one name.

    Attributes:
        count: items that pass and have it.
        distinct: values that they have.
        values: the most frequent ones, most first. An item whose value is a list counts for each
            of its elements, as a filter sees it.
        ranges: as asked for.
        lowest, highest: of its numbers; null where there is none.
    """

    key: str
    count: int
    distinct: int
    values: list[FacetValue]
    ranges: list[FacetRange]
    lowest: float | None
    highest: float | None


class Facets(Reply):
    """Counts of the items that pass.

    Attributes:
        count: of all of them.
        facets: one for each key, in their order.
        position: of the journal, at which they were counted.
    """

    count: int
    facets: list[Facet]
    position: int


class AttributeInfo(Reply):
    """A name that a filter can ask for.

    Attributes:
        kinds: of its values, sorted.
        count: items that have it.
    """

    name: str
    kinds: list[Kind]
    count: int


class AttributeList(Reply):
    """All names that a filter can ask for, at most 1,000.

    Attributes:
        attributes: ``category``, then those of most items.
        position: of the journal, at which they were read.
    """

    attributes: list[AttributeInfo]
    position: int


class DrawFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which items are to be drawn.

    Attributes:
        limit: at most so many.
        category: only items of this category.
        filter: only items that pass, such as ``price<5000,sold_out!=true``.
        seed: of an answer: the same items again, as long as none is added or removed.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    category: str | None = None
    filter: str | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None


class Drawn(Reply):
    """Items that were drawn at random, each once.

    Attributes:
        seed: asks for the same again.
        position: of the journal, at which they were drawn.
    """

    items: list[ItemInfo]
    seed: int
    position: int


class SuggestFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which ids are looked for.

    Attributes:
        prefix: what they begin with.
        limit: at most so many.
    """

    prefix: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10


class Suggested(Reply):
    """The first ids that begin so, sorted."""

    ids: list[str]
