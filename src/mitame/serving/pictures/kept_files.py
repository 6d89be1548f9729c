"""The very file that an item's picture was made of, read again."""

from __future__ import annotations

from mitame.collection import ItemImage
from mitame.config import MB, LimitsConfig
from mitame.errors import ImageError, PictureNotKept, SourceError
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.sources import read_file


def kept_picture(image: ItemImage, side: int, limits: LimitsConfig) -> Decoded:
    """The picture, at least `side` pixels on its shorter side where it has them.

    Raises:
        PictureNotKept: the very file that was indexed is not to be had. Its path is not told.
    """
    gone = PictureNotKept("the item's picture is not kept here, or has changed since")
    if image.source is None or image.content_hash is None:
        raise gone
    bounds = ImageLimits(int(limits.body_mb * MB), limits.pixels)
    try:
        data = read_file(image.source, bounds)
        if content_hash(data) != image.content_hash:
            raise gone
        return decode(data, limits=bounds, min_side=side)
    except (ImageError, SourceError):
        raise gone from None


def shown_picture(image: ItemImage, copy: bytes | None, side: int, limits: LimitsConfig) -> Decoded:
    """The picture, or the small copy of it that an upload left.

    Raises:
        PictureNotKept: neither is to be had.
    """
    if copy is None:
        return kept_picture(image, side, limits)
    try:
        return decode(copy, min_side=side)
    except ImageError:
        raise PictureNotKept("the item's picture is not kept here any more") from None


def is_url(source: str) -> bool:
    """Whether a picture lies elsewhere, at an address of its own."""
    return source.lower().startswith(("http://", "https://"))
