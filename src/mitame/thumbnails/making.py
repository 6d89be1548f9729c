"""Pictures made small: as thumbnails of a size and format, and as copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG, WEBP = "image/jpeg", "image/webp"
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
