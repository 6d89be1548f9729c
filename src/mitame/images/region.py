"""A box of a picture, as shares of its width and height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.errors import UsageError

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom, 0 to 1."""
MAX_ENLARGED = 16
"""A box narrower than a sixteenth is decoded as if it were that wide: it would not get sharper."""


def check_region(value: Sequence[float]) -> Region:
    """The box itself.

    Raises:
        UsageError: not four numbers of 0 to 1, with left before right and top above bottom.
    """
    found = tuple(value)
    if len(found) == 4 and all(math.isfinite(each) for each in found):
        left, top, right, bottom = found
        if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
            return left, top, right, bottom
    raise UsageError(
        f"the region {list(found)!r} is no box of a picture"[:120],
        remedy="give x0, y0, x1, y1 of 0 to 1, with x0 < x1 and y0 < y1",
    )


def side_for(side: int, region: Region) -> int:
    """The shorter side that a whole picture must have for the box's to be at least `side`."""
    left, top, right, bottom = region
    share = max(1 / MAX_ENLARGED, min(right - left, bottom - top))
    return math.ceil(side / share)


def cropped(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The box of uint8[height, width, 3], to whole pixels, at least one each way; contiguous."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = region
    x0, x1 = _span(left, right, width)
    y0, y1 = _span(top, bottom, height)
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    first, end = round(low * size), round(high * size)
    if first < end:
        return first, end
    within = min(size - 1, math.floor(low * size))  # the pixel in which a narrow box begins
    return within, within + 1
