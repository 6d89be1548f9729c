"""Bodies of walking over items and counting them."""

from __future__ import annotations

from mitame.wire.base import Body, Filter, Limit, Reply
from mitame.wire.items import Encoding, ItemInfo


class Scroll(Body):
    """Which items to list, by id.

    Attributes:
        filter: only items that pass; an object, or text such as ``category=mug,price<5000``.
        limit: at most so many at once; with vectors there may be fewer.
        cursor: of the page before; from the beginning where left out.
        with_vectors: true for those of all lenses, as numbers; or names of lenses.
        encoding: of vectors: numbers, or base64 of little-endian float32.
    """

    filter: Filter | str | None = None
    limit: Limit = 100
    cursor: str | None = None
    with_vectors: bool | list[str] = False
    encoding: Encoding = "json"


class Page(Reply):
    """A page of items.

    Attributes:
        items: by id.
        cursor: asks for the next page; null after the last.
        position: of the journal, at which this page was read.
    """

    items: list[ItemInfo]
    cursor: str | None
    position: int


class Counting(Body):
    """Which items to count; all where no filter is given."""

    filter: Filter | str | None = None


class Count(Reply):
    """How many items pass.

    Attributes:
        position: of the journal, at which they were counted.
    """

    count: int
    position: int
