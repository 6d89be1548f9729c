"""The very file that an item's picture was made of, read again, or its small copy."""

from __future__ import annotations

from contextlib import suppress

from mitame.collection import ItemImage
from mitame.errors import ImageError, PictureNotKept, SourceError
from mitame.images.decode import Decoded, decode
from mitame.images.fingerprint import content_hash
from mitame.images.limits import ImageLimits
from mitame.images.sources import read_file


def kept_picture(image: ItemImage, side: int, limits: ImageLimits) -> Decoded:
    """The picture, at least `side` pixels on its shorter side where it has them.

    Raises:
        PictureNotKept: the very file that was indexed is not to be had. Its path is not told.
    """
    gone = PictureNotKept("the item's picture is not kept here, or has changed since")
    if image.source is None or image.content_hash is None:
        raise gone
    try:
        data = read_file(image.source, limits)
        if content_hash(data) != image.content_hash:
            raise gone
        return decode(data, limits=limits, min_side=side)
    except (ImageError, SourceError):
        raise gone from None


def shown_picture(image: ItemImage, copy: bytes | None, side: int, limits: ImageLimits) -> Decoded:
    """The picture, or else the small copy of it that was kept when its bytes were at hand.

    Raises:
        PictureNotKept: neither is to be had.
    """
    if copy is None:
        return kept_picture(image, side, limits)
    if image.source is not None and not is_url(image.source):
        # Its copy is that of an upload with the same content, and smaller than the file.
        with suppress(PictureNotKept):
            return kept_picture(image, side, limits)
    try:
        return decode(copy, min_side=side)
    except ImageError:
        raise PictureNotKept("the item's picture is not kept here any more") from None


def is_url(source: str | None) -> bool:
    """Whether a picture lies elsewhere, at an address of its own."""
    return source is not None and source.lower().startswith(("http://", "https://"))
