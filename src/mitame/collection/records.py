"""What a view answers: images with where they came from, and rows with what they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mitame.collection.item import Attribute, ItemImage
from mitame.collection.ready import decode_source

Row: TypeAlias = tuple[Any, ...]
Since: TypeAlias = Literal["changed", "gone"]
"""What has become of something since: it has other vectors now, or it is not there any more."""


@dataclass(frozen=True)
class SourceRecord:
    """One image of an item with where it came from; fields as in `ItemImage`."""

    id: str
    source: str | None
    size: int | None
    modified_ns: int | None
    content_hash: str | None


@dataclass(frozen=True)
class RowRecord:
    """A row of a lens with the item and image that it belongs to (without vectors).

    Attributes:
        since: what has become of them since, where an older generation is asked; the image is
            not known any more then.
    """

    row: int
    id: str
    category: str | None
    attributes: Mapping[str, Attribute]
    image: ItemImage
    since: Since | None = None


@dataclass(frozen=True)
class MissingImage:
    """An image that has no vector of some lens.

    Attributes:
        id: the item's.
        ordinal: which of its images, from 0.
        source, content_hash: the image's, as in `ItemImage`.
    """

    id: str
    ordinal: int
    source: str | None
    content_hash: str | None


def image_of(row: Row) -> ItemImage:
    """A row of the table of images."""
    _item, _ordinal, content_hash, source, *rest = row
    return ItemImage({}, content_hash, decode_source(source), *rest)


def source_record(row: Row) -> SourceRecord:
    """An id, then a row of the table of images."""
    image = image_of(row[1:])
    return SourceRecord(row[0], image.source, image.size, image.modified_ns, image.content_hash)


def row_record(number: int, row: Row) -> RowRecord:
    """A row's number; then id, category and attributes, then a row of the table of images."""
    item_id, category, attributes, *image = row
    return RowRecord(number, item_id, category, json.loads(attributes), image_of(tuple(image)))


def missing_image(row: Row) -> MissingImage:
    """A row of id, ordinal, source and content hash."""
    item_id, ordinal, source, content_hash = row
    return MissingImage(item_id, ordinal, decode_source(source), content_hash)
