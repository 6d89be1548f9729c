"""Orientation, and what it does to pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mitame.images.exif import orientation, upright


def block(turned: int, order: str = "II") -> bytes:
    """EXIF with nothing but an orientation."""
    exif = Image.Exif()
    exif[0x0112] = turned
    data = exif.tobytes()
    if order == "II":
        swapped = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([turned, 0, 0, 0])
        return swapped + b"\0\0\0\0"
    assert data[6:8] == b"MM"
    return data


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("order", ["II", "MM"])
def test_orientation_is_read_in_both_byte_orders(turned: int, order: str) -> None:
    """What Pillow or a camera writes is read back."""
    assert orientation(block(turned, order)) == turned


@pytest.mark.parametrize("turned", range(1, 9))
def test_pixels_are_turned_as_pillow_turns_them(turned: int) -> None:
    """An independent implementation agrees for all eight orientations."""
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = turned
    expected = np.asarray(ImageOps.exif_transpose(image))
    result = upright(pixels, turned)
    assert np.array_equal(result, expected)
    assert result.flags.c_contiguous


@given(st.binary(max_size=80))
def test_damaged_exif_never_refuses_a_picture(tail: bytes) -> None:
    """Whatever bytes: an orientation from 1 to 8 comes out."""
    for head in (b"", b"Exif\0\0II*\0", b"MM\0*"):
        assert 1 <= orientation(head + tail) <= 8
    assert orientation(block(6)[:12]) == 1
