"""Items as they are answered."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from mitame.collection import Item, ItemImage, View
from mitame.serving.links import thumbnail
from mitame.thumbnails.originals import is_url
from mitame.wire.items import Encoding, ImageInfo, ItemInfo
from mitame.wire.queries import Vector


def info(item: Item, vectors: dict[str, list[Vector]] | None = None) -> ItemInfo:
    """An item's description."""
    return ItemInfo(
        id=item.id,
        category=item.category,
        attributes=dict(item.attributes),
        images=list(map(_image, item.images)),
        vectors=UNSET if vectors is None else vectors,
    )


def listed(collection: str, item: Item, vectors: dict[str, list[Vector]] | None = None) -> ItemInfo:
    """An item's description with the path of its thumbnail, for those who show many."""
    found = info(item, vectors)
    # What was uploaded has no source, but is shown from a small copy; a bare vector has neither.
    if any(each.source is not None or each.content_hash is not None for each in item.images):
        found.image = thumbnail(collection, item.id)
    return found


def vectors_of(
    view: View, item_id: str, lenses: Iterable[str], encoding: Encoding
) -> dict[str, list[Vector]]:
    """An item's vectors by lens name.

    Raises:
        UnknownLens: no such lens.
    """
    return {lens: encoded(view.vectors(item_id, lens), encoding) for lens in lenses}


def encoded(vectors: NDArray[np.float32], encoding: Encoding) -> list[Vector]:
    """float32[n, dim] as numbers, or each as base64 of little-endian float32."""
    if encoding == "json":
        rows: list[Vector] = vectors.tolist()
        return rows
    return [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]


def _image(image: ItemImage) -> ImageInfo:
    return ImageInfo(
        content_hash=image.content_hash,
        width=image.width,
        height=image.height,
        format=image.format,
        bytes=image.size,
        url=_url(image.source),
    )


def _url(source: str | None) -> str | None:
    """The source where it is a URL: paths of this machine are nobody's business."""
    return source if is_url(source) else None
