"""Bodies of the map of a collection: as JSON, and in a compact binary form.

The binary form, little-endian, without any padding but that of the head:

| bytes | content |
|---|---|
| 8 | ``MITAMAP1`` |
| 4 | uint32: n, the number of points |
| 4 | uint32: bytes of the head, a multiple of 4 |
| so many | the head: `MapHead` as JSON in UTF-8, with spaces after it |
| 2 n | uint16[n]: x, 0 at the left, 65,535 at the right |
| 2 n | uint16[n]: y, 0 at the top, 65,535 at the bottom |
| 2 n | uint16[n]: the place of the item's category in the head's; 65,535 for none |
| 2 n | uint16[n]: bytes of each id |
| the rest | the ids, one after the other, in UTF-8 |

Unknown keys of the head are to be passed over.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from mitame.wire.base import Reply

MAGIC = b"MITAMAP1"
FULL = 65_535
"""The right or bottom edge."""
NO_CATEGORY = 65_535
MOST_CATEGORIES = 65_535
MAX_POINTS = 1_000_000
_FIXED = 16
_PER_POINT = 8
Points = NDArray[np.uint16]


class MapFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which map.

    Attributes:
        lens: which way of being alike; the collection's first one where left out.
        category: only items of this category.
        filter: only items that pass, such as ``price<5000,sold_out!=true``.
        limit: at most so many, drawn evenly.
    """

    lens: str | None = None
    category: str | None = None
    filter: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_POINTS)] = 100_000


class MapHead(Reply):
    """What is told of a map besides its points.

    Attributes:
        lens: its name.
        method: ``layout`` where items lie beside their neighbours, as the last merge laid them
            out; ``principal`` where they are projected on the two principal axes of their vectors.
        categories: the distinct ones, sorted.
        total: items with a vector that pass, also those beyond the limit.
        complete: every item that was to be shown is there; else ask again in a moment.
        generation: that answered.
        position: of the journal.
    """

    lens: str
    method: Literal["layout", "principal"]
    categories: list[str]
    total: int
    complete: bool
    generation: int
    position: int


class MapReply(MapHead):
    """A map: four lists of one length, an item at each place.

    Attributes:
        ids: of the items.
        x: 0 at the left to 65,535 at the right.
        y: 0 at the top to 65,535 at the bottom.
        category: the place of the item's category among `categories`; 65,535 for none.
    """

    ids: list[str]
    x: list[int]
    y: list[int]
    category: list[int]


def to_bytes(head: MapHead, ids: list[str], x: Points, y: Points, category: Points) -> bytes:
    """A map in its binary form.

    Args:
        head: about it.
        ids: n of them.
        x, y, category: uint16[n].
    """
    told = msgspec.json.encode(head)
    told += b" " * (-len(told) % 4)
    named = [each.encode() for each in ids]
    lengths = np.fromiter(map(len, named), "<u2", len(named))
    sizes = np.array([len(ids), len(told)], "<u4").tobytes()
    numbers = [each.astype("<u2").tobytes() for each in (x, y, category)]
    return b"".join([MAGIC, sizes, told, *numbers, lengths.tobytes(), *named])


def from_bytes(data: bytes) -> tuple[MapHead, list[str], Points, Points, Points]:
    """What `to_bytes` was given.

    Raises:
        ValueError: it is no such map.
    """
    if len(data) < _FIXED or data[:8] != MAGIC:
        raise ValueError("no map in the form MITAMAP1")
    count, head_bytes = np.frombuffer(data, "<u4", 2, 8).tolist()
    first = _FIXED + head_bytes
    text_at = first + _PER_POINT * count
    if text_at > len(data):
        raise ValueError("a map that is cut off")
    head = msgspec.json.decode(data[_FIXED:first], type=MapHead)
    rows = np.frombuffer(data, "<u2", 4 * count, first).reshape(4, count).astype(np.uint16)
    ends = text_at + np.cumsum(rows[3], dtype=np.int64)
    if (int(ends[-1]) if count else text_at) != len(data):
        raise ValueError("a map whose ids are cut off")
    starts = ends - rows[3]
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return head, [data[a:b].decode() for a, b in pairs], rows[0], rows[1], rows[2]
