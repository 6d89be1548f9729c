"""A box of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mitame.errors import UsageError
from mitame.images.region import check_region, cropped, side_for

shares = st.floats(0, 1)


@example(2, 2, 0.4375, 0.43, 0.4375, 0.43)
@given(st.integers(1, 40), st.integers(1, 40), shares, shares, shares, shares)
def test_cropped(height: int, width: int, a: float, b: float, c: float, d: float) -> None:
    """The box has at least a pixel, lies within the picture, and is where it says."""
    left, right, top, bottom = min(a, b), max(a, b), min(c, d), max(c, d)
    if left == right or top == bottom:
        return
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([y, x, x], axis=2).astype(np.uint8)
    box = cropped(pixels, check_region((left, top, right, bottom)))
    assert box.shape[0] >= 1
    assert box.shape[1] >= 1
    assert abs(int(box[0, 0, 1]) - left * width) <= 1
    assert abs(int(box[-1, -1, 0]) + 1 - bottom * height) <= 1
    assert box.flags.c_contiguous


def test_the_whole_picture() -> None:
    """0, 0, 1, 1 changes nothing."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(cropped(pixels, (0, 0, 1, 1)), pixels)
    assert side_for(224, (0, 0, 1, 1)) == 224


def test_small_boxes_are_decoded_larger() -> None:
    """The box, not the picture, must have the side; a sixteenth at least is taken."""
    assert side_for(100, (0, 0, 0.5, 1)) == 200
    assert side_for(100, (0, 0, 0.001, 1)) == 1_600


@pytest.mark.parametrize(
    "value",
    [(0, 0, 1), (0.5, 0, 0.5, 1), (1, 0, 0, 1), (0, 0, 1.1, 1), (0, -0.1, 1, 1), (0, 0, np.nan, 1)],
)
def test_no_box(value: tuple[float, ...]) -> None:
    """What is no box is refused."""
    with pytest.raises(UsageError):
        check_region(value)
