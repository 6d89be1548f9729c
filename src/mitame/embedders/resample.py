"""A box of a picture at another size, as Pillow resizes; by the native kernel where there is one.

Both ways give the same bytes (Pillow 12 and 13): the kernel follows Pillow's arithmetic, 22-bit
fixed point, rounded to bytes after each axis.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from mitame.embedders.protocol import Pixels
from mitame.native import module

Filter = Literal["bicubic", "bilinear", "lanczos", "box"]
Box = tuple[float, float, float, float]

SUPPORT = 3  # source pixels on each side that the widest filter (Lanczos) looks at
LONGEST = 1 << 24
"""Pixels of the longest side that the kernel takes: beyond, places are not exact in float32."""


def resample(pixels: Pixels, size: tuple[int, int], box: Box, name: Filter) -> Pixels:
    """The box of the picture, resampled to `size` (width, height); frees the GIL.

    Columns first, then rows: Pillow itself chooses the order by cost, and differently by version,
    which moves single values by up to 10 levels of 255.

    Args:
        pixels: uint8[height, width, 3].
        size: width and height of the result, in pixels.
        box: left, top, right, bottom in the picture's pixels; inside of it, with an area.
        name: the filter.

    Returns:
        uint8[size height, size width, 3]; the picture itself or a part of it where nothing has to
        be computed.
    """
    height, width = pixels.shape[:2]
    if size == (width, height) and box == (0, 0, *size):
        return pixels
    left, top, right, bottom = box
    if (right - left, bottom - top) == size and left % 1 == top % 1 == 0:
        return pixels[int(top) : int(bottom), int(left) : int(right)]
    reach = math.ceil(SUPPORT * max(1.0, (bottom - top) / size[1])) + 1
    first, last = max(0, math.floor(top) - reach), min(height, math.ceil(bottom) + reach)
    box = (left, top - first, right, bottom - first)
    native = module()
    if native is None or max(height, width) > LONGEST:
        return _by_pillow(pixels[first:last], size, box, name)
    found = np.empty((size[1], size[0], 3), np.uint8)
    native.resample(np.ascontiguousarray(pixels[first:last]), found, box, name)
    return found


def _by_pillow(pixels: Pixels, size: tuple[int, int], box: Box, name: Filter) -> Pixels:
    from PIL import Image  # 25 ms that a program without pictures saves

    left, top, right, bottom = box
    resampling = getattr(Image.Resampling, name.upper())
    image = Image.fromarray(pixels)
    image = image.resize((size[0], len(pixels)), resampling, (left, 0, right, len(pixels)))
    image = image.resize(size, resampling, (0, top, size[0], bottom))
    return np.asarray(image)
