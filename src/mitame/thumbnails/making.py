"""Pictures made small: as thumbnails of a size and format, and as copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitame.collection import ItemImage

JPEG, WEBP = "image/jpeg", "image/webp"
GRID_SIDES = (256, 384, 512)
"""Of the squares that pictures of a grid fit in, in pixels, on usual and on dense screens."""
COPY_SIDE = 512
"""Of the square that a copy fits in: as large as a page shows it on a dense screen."""
_SETTINGS: dict[str, dict[str, Any]] = {
    JPEG: {"format": "JPEG", "quality": 85},
    # As sharp as the other, at 60 to 80 % of its bytes; method 2 costs no more time.
    WEBP: {"format": "WEBP", "quality": 82, "method": 2},
}


def made_small(pixels: NDArray[np.uint8], side: int, media: str) -> bytes:
    """A picture's file that fits in a square; never enlarged.

    Args:
        pixels: uint8[height, width, 3], RGB.
        side: of the square, in pixels.
        media: `JPEG` or `WEBP`.
    """
    small = Image.fromarray(pixels)
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    small.save(file, **_SETTINGS[media])
    return file.getvalue()


def small_copy(pixels: NDArray[np.uint8]) -> bytes:
    """What is kept of a picture, uint8[height, width, 3]: WebP, some 10 to 30 kB."""
    return made_small(pixels, COPY_SIDE, WEBP)


def thumbnail_name(image: ItemImage, side: int, media: str) -> str:
    """What a thumbnail is kept under: content, size and format.

    A picture is never enlarged: all squares that it fits in have one thumbnail.

    Args:
        image: with a content hash.
        side: of the square, in pixels.
        media: `JPEG` or `WEBP`.
    """
    longer = max(image.width or side, image.height or side)
    return f"{image.content_hash}-{min(side, longer)}-{media}"


def shorter_side(image: ItemImage, side: int) -> int:
    """Pixels that the shorter side needs for a thumbnail in a square, at least 1."""
    width, height = image.width or 1, image.height or 1
    return max(1, -(-side * min(width, height) // max(width, height)))
