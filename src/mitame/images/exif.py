"""The one thing that is read from EXIF: which way up the picture is."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ORIENTATION_TAG = 0x0112
_SHORT = 3
_MOST_ENTRIES = 1_000


def orientation(exif: bytes) -> int:
    """Orientation from a block of EXIF, with or without its ``Exif\\0\\0`` in front.

    Returns:
        1 to 8 as EXIF 2.32 section 4.6.4 defines them; 1 where there is none or it is damaged:
        broken metadata are no reason to refuse a picture.
    """
    tiff = exif.removeprefix(b"Exif\x00\x00")
    order: Literal["<", ">"] = "<" if tiff[:2] == b"II" else ">"
    if tiff[:2] not in (b"II", b"MM"):
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, start)
        for i in range(min(entries, _MOST_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * i)
            if tag == ORIENTATION_TAG:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def upright(pixels: NDArray[np.uint8], turned: int) -> NDArray[np.uint8]:
    """Pixels, uint8[h, w, 3], turned and mirrored so that the picture is seen as it was taken."""
    if turned >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if turned in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turned in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
