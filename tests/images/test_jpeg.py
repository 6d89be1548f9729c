"""What is particular to JPEG: scales, scans, CMYK, and pictures that are cut off."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mitame.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from mitame.images.decode import decode
from mitame.images.jpeg import count_scans, read_header
from mitame.images.limits import ImageLimits
from tests.images.hostile import encoded, sample

KINDS = ["jpeg", "jpeg-progressive", "jpeg-grey", "jpeg-cmyk"]
LARGE = sample(random.Random(3), 401, 303)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("min_side", [1, 40, 75, 76, 150, 151, 152, 256, 303, 304, 5000])
def test_the_scale_is_enough_and_no_larger_than_needed(kind: str, min_side: int) -> None:
    """The shorter side has min_side pixels, or all there are; and half as many would be too few."""
    decoded = decode(encoded(LARGE, kind), min_side=min_side)
    shorter = min(decoded.pixels.shape[:2])
    assert shorter >= min(min_side, 303)
    assert (decoded.width, decoded.height) == (401, 303)
    if min_side * 2 <= 303:
        assert shorter <= 152


def test_a_reduced_picture_looks_the_same() -> None:
    """The scales of the discrete cosine transform are means of the pixels."""
    smooth = LARGE.resize((40, 30)).resize((400, 304))
    half = decode(encoded(smooth, "jpeg"), min_side=152).pixels
    assert half.shape == (152, 200, 3)
    blocks = np.asarray(smooth).astype(float).reshape(152, 2, 200, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - blocks).mean() < 4


@pytest.mark.parametrize("kind", KINDS)
@given(where=st.floats(0, 1, exclude_max=True))
def test_a_cut_jpeg_is_damaged_wherever_it_is_cut(kind: str, where: float) -> None:
    """No grey filling: any missing byte refuses the picture, with and without reduction."""
    data = CUT[kind]
    for min_side in (None, 8):
        with pytest.raises(DamagedImage, match="JPEG"):
            decode(data[: max(3, int(len(data) * where))], min_side=min_side)


CUT = {kind: encoded(sample(random.Random(5)), kind) for kind in KINDS}


def test_lost_data_in_the_middle_is_damage() -> None:
    """A hole in the picture's data is not papered over."""
    data = CUT["jpeg"]
    start = read_header(data).scan + 300
    with pytest.raises(DamagedImage):
        decode(data[:start] + data[start + 400 :])


def test_bytes_after_the_picture_do_no_harm() -> None:
    """Phones put films and other pictures behind the first one."""
    expected = decode(CUT["jpeg"]).pixels
    for tail in (b"\0" * 1000, b"\xff\xda" * 500, CUT["jpeg"]):
        assert np.array_equal(decode(CUT["jpeg"] + tail).pixels, expected)


def test_bytes_between_segments_do_no_harm() -> None:
    """Fill bytes are allowed before a marker; some cameras put others there."""
    data, scan = CUT["jpeg"], read_header(CUT["jpeg"]).scan
    expected = decode(data).pixels
    for junk in (b"\xff" * 7, b"\0\0"):
        assert np.array_equal(decode(data[:scan] + junk + data[scan:]).pixels, expected)


def test_scans_are_counted_where_there_may_be_several() -> None:
    """A progressive picture with more scans than the limit is refused before it is decoded."""
    data = CUT["jpeg-progressive"]
    header = read_header(data)
    scans = count_scans(data, header.scan, 1000)
    assert header.passes
    assert scans > 5
    assert not read_header(CUT["jpeg"]).passes
    decode(data, limits=ImageLimits(max_scans=scans))
    with pytest.raises(ImageTooLarge, match="scans"):
        decode(data, limits=ImageLimits(max_scans=scans - 1))


def test_cmyk_is_inverted_as_adobe_writes_it() -> None:
    """No ink is white, all ink is black, and cyan is not red."""
    for ink, colour in (
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 255, 255, 255), (0, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
    ):
        data = encoded(Image.new("CMYK", (16, 16), ink), "jpeg")
        assert np.abs(decode(data).pixels.astype(int) - colour).max() <= 4


def test_twelve_bits_are_unsupported() -> None:
    """The reason is the number of bits, not damage."""
    data = CUT["jpeg"]
    frame = data.index(b"\xff\xc0")
    with pytest.raises(UnsupportedImage, match="12 bits"):
        decode(data[: frame + 4] + b"\x0c" + data[frame + 5 :])


def test_a_frame_without_size_is_damaged() -> None:
    """A height of zero (given after the first scan) is refused in words."""
    data = CUT["jpeg"]
    frame = data.index(b"\xff\xc0") + 5
    with pytest.raises(DamagedImage, match="72 x 0"):
        decode(data[:frame] + struct.pack(">H", 0) + data[frame + 2 :])
