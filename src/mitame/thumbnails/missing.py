"""Thumbnails that the page is going to ask for, made before anybody does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mitame.collection import ItemImage, Store
from mitame.errors import PictureNotKept
from mitame.images.decode import decode
from mitame.images.limits import ImageLimits
from mitame.thumbnails.making import GRID_SIDES, WEBP, made_small, shorter_side, thumbnail_name
from mitame.thumbnails.originals import is_url, shown_picture
from mitame.thumbnails.store import ThumbnailStore

USUAL_BYTES = 60_000
"""Of the thumbnails of one picture in all sizes of the grid."""


def sides_missing(image: ItemImage, made: ThumbnailStore) -> dict[str, int]:
    """The thumbnails of an image that are not kept yet: sides in pixels, by name.

    None of an image without a file, such as a bare vector.
    """
    if image.content_hash is None:
        return {}
    names = {thumbnail_name(image, side, WEBP): side for side in GRID_SIDES}
    return {name: names[name] for name in made.missing(names)}


def make_missing(
    image: ItemImage, made: ThumbnailStore, copies: ThumbnailStore, limits: ImageLimits
) -> list[tuple[str, bytes]]:
    """Thumbnails of an image in the sizes of the grid that are not kept yet, by name.

    No network is asked: a picture at an address elsewhere is made small of its copy.

    Args:
        image: of an item.
        made: what is kept.
        copies: small copies of pictures of which no file lies here.
        limits: bounds on bytes and pixels.

    Raises:
        PictureNotKept: the picture is not to be had, or can't be read any more.
    """
    sides = sides_missing(image, made)
    if not sides:
        return []
    copy = copies.find(str(image.content_hash))
    if copy is None and is_url(image.source):
        raise PictureNotKept("the picture lies elsewhere, and no copy is here")
    least = shorter_side(image, max(sides.values()))
    pixels = shown_picture(image, copy, least, limits).pixels
    return _in_sizes(pixels, sides)


def make_of_file(
    image: ItemImage,
    data: bytes,
    pixels: NDArray[np.uint8],
    made: ThumbnailStore,
    limits: ImageLimits,
) -> list[tuple[str, bytes]]:
    """As `make_missing`, of a file that is at hand; none where there is no room.

    Args:
        image: what is known of the picture.
        data: its file.
        pixels: uint8[height, width, 3], which may be scaled down.
        made, limits: as there.

    Raises:
        ImageError: it can't be decoded a second time.
    """
    sides = sides_missing(image, made)
    if not sides or not made.has_room(USUAL_BYTES):
        return []
    least = shorter_side(image, max(sides.values()))
    if min(pixels.shape[:2]) < min(least, image.width or 0, image.height or 0):
        pixels = decode(data, limits=limits, min_side=least).pixels
    return _in_sizes(pixels, sides)


def first_images(store: Store) -> Iterator[ItemImage | None]:
    """The first image of each item, by id, in short views: no transaction is held for long."""
    after = ""
    while True:
        with store.pin() as view:
            items = view.hydrated(next(view.item_pages(after), []))
        if not items:
            return
        yield from (item.images[0] if item.images else None for item in items)
        after = items[-1].id


def _in_sizes(pixels: NDArray[np.uint8], sides: dict[str, int]) -> list[tuple[str, bytes]]:
    return [(name, made_small(pixels, side, WEBP)) for name, side in sides.items()]
