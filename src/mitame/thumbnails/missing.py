"""Thumbnails that the page is going to ask for, made before anybody does."""

from __future__ import annotations

from mitame.collection import ItemImage
from mitame.errors import PictureNotKept
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
    return [(name, made_small(pixels, side, WEBP)) for name, side in sides.items()]
