"""Bodies about items: added, changed, described, many at once."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from mitame.wire.base import Attributes, Body, Reply
from mitame.wire.queries import Vector

Encoding: TypeAlias = Literal["json", "base64"]
"""How vectors are answered: as numbers, or as base64 of little-endian float32."""


class ItemFields(Body):
    """What an item has beside its pictures; in a form the JSON of the part ``item``.

    Attributes:
        category: one word or phrase; null for none.
        attributes: names to strings, numbers, booleans, null or lists of strings.
    """

    category: str | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)


class Pictured(Body):
    """What an item looks like: exactly one of these.

    Attributes:
        image_base64: a picture's file.
        image_url: where a picture can be had.
        vector: of the collection's first lens.
        vectors: one per lens name.
    """

    image_base64: str | None = None
    image_url: str | None = None
    vector: Vector | None = None
    vectors: dict[str, Vector] | None = None


class NewItem(Pictured):
    """An item to add, or to replace whole.

    Attributes:
        category, attributes: as in a form's part ``item``.
    """

    category: str | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)


class ItemChange(Body):
    """What is to be changed of an item; what is left out stays.

    Attributes:
        category: null takes it away.
        attributes: all of them: those that are left out go.
    """

    category: str | UnsetType | None = UNSET
    attributes: Attributes | UnsetType = UNSET


class ImageInfo(Reply):
    """An image of an item; all null where the item has a bare vector.

    Attributes:
        content_hash: SHA-256 of its file, in hexadecimal.
        width, height: pixels, as it is seen.
        format: ``JPEG``, ``PNG``, ...
        bytes: of its file.
        url: where it came from, where that is a URL.
    """

    content_hash: str | None
    width: int | None
    height: int | None
    format: str | None
    bytes: int | None
    url: str | None


class ItemInfo(Reply):
    """An item.

    Attributes:
        images: in the order in which they were given.
        vectors: by lens name, one per image: numbers, or base64 of little-endian float32; left
            out unless asked for.
        image: path of its thumbnail; where items are read or listed, and it has a picture: not of
            vectors alone.
    """

    id: str
    category: str | None
    attributes: Attributes
    images: list[ImageInfo]
    image: str | UnsetType = UNSET
    vectors: dict[str, list[Vector]] | UnsetType = UNSET


class BatchRow(Pictured, kw_only=True):
    """A row of a batch.

    Attributes:
        id: of the item; a whole number becomes its decimal digits.
        op: what to do. A patch changes what is given, and leaves what is left out.
        category, attributes: as the route for one item takes them.
    """

    id: str | int
    op: Literal["put", "patch", "delete"] = "put"
    category: str | UnsetType | None = UNSET
    attributes: Attributes | UnsetType = UNSET


class RowResult(Reply):
    """What became of a row of a batch.

    Attributes:
        id: the row's; null where it can't be read.
        status: as the route for one item would answer.
        code, detail: what is wrong, where something is.
    """

    id: str | None
    status: int
    code: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class BatchResult(Reply):
    """What became of the rows of a batch, in their order.

    Attributes:
        failed: how many have a status of 400 or more.
    """

    rows: list[RowResult]
    failed: int
