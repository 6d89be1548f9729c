"""The directory of a TIFF: only what is right and needed reaches the decoder."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from PIL import Image

from mitame.errors import DamagedImage, ImageError, UnsupportedImage
from mitame.images.decode import decode
from mitame.images.tiff import plain_tiff
from tests.images.hostile import encoded, sample, tiff_bytes

Field = tuple[int, int, int]
# 8 x 4 grey pixels of a byte each, in one strip behind the directory of nine fields
START = 8 + 2 + 9 * 12 + 4
GOOD: dict[int, Field] = {
    256: (4, 1, 8),
    257: (4, 1, 4),
    258: (3, 1, 8),
    259: (3, 1, 1),
    262: (3, 1, 1),
    273: (4, 1, START),
    277: (3, 1, 1),
    278: (4, 1, 4),
    279: (4, 1, 32),
}
PIXELS = bytes(range(0, 64, 2))


def test_a_picture_made_by_hand_is_read() -> None:
    """The fields that the other tests change are right to begin with."""
    pixels = decode(tiff_bytes(GOOD, PIXELS)).pixels
    assert pixels[:, :, 0].tobytes() == PIXELS


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ({279: (4, 1, 33)}, DamagedImage, "cut off"),
        ({273: (4, 1, 4_000_000_000)}, DamagedImage, "cut off"),
        ({279: (4, 1, 31)}, DamagedImage, "less pixels"),
        ({257: (4, 1, 5)}, DamagedImage, "less pixels"),
        ({277: (3, 1, 3)}, DamagedImage, "less pixels"),
        ({279: (4, 0, 0)}, DamagedImage, "how long"),
        ({279: (2, 1, 32)}, DamagedImage, "field 279"),
        ({279: (99, 1, 32)}, DamagedImage, "field 279"),
        ({256: (4, 2, 8)}, DamagedImage, "field 256"),
        ({258: (3, 3, 4_000_000)}, DamagedImage, "cut off"),
        ({256: (4, 1, 0)}, DamagedImage, "0 x 4"),
        ({259: (3, 1, 34925)}, UnsupportedImage, "method 34925"),
        ({259: (3, 1, 50000)}, UnsupportedImage, "method 50000"),
        ({259: (3, 1, 6)}, UnsupportedImage, "method 6"),
        ({273: (4, 200_000, 8)}, UnsupportedImage, "200,000 pieces"),
    ],
)
def test_a_directory_that_cannot_be_is_refused(
    change: dict[int, Field], error: type[ImageError], word: str
) -> None:
    """Pixels beyond the end, contradictions, rare compressions: each with its reason."""
    with pytest.raises(error, match=word):
        decode(tiff_bytes({**GOOD, **change}, PIXELS))


@pytest.mark.parametrize("tag", [256, 257, 273, 279])
def test_a_field_that_is_missing_is_damage(tag: int) -> None:
    """Size, and where the pixels are."""
    fields = {known: field for known, field in GOOD.items() if known != tag}
    with pytest.raises(DamagedImage, match="does not say"):
        decode(tiff_bytes(fields, PIXELS))


def test_camera_raw_is_unsupported() -> None:
    """Its first picture is but a small preview of what the file holds."""
    for raw in ({50706: (1, 4, 0x401)}, {254: (4, 1, 1), 330: (4, 1, 8)}):
        with pytest.raises(UnsupportedImage, match="raw"):
            decode(tiff_bytes({**GOOD, **raw}, PIXELS))


def test_nothing_but_the_pixels_is_passed_on() -> None:
    """Metadata outside the file, a second directory and a loop do no harm."""
    odd = {270: (2, 4_000_000_000, 4_000_000_000), 34665: (4, 1, 8), 700: (1, 9, 4_000_000_000)}
    fields = {tag: field for tag, field in GOOD.items() if tag != 273}
    start = START + 12 * len(odd)
    data = bytearray(tiff_bytes({**fields, **odd, 273: (4, 1, start)}, PIXELS))
    data[start - 4 : start] = struct.pack("<I", 8)  # the next directory is this one
    assert decode(bytes(data)).pixels[:, :, 0].tobytes() == PIXELS
    assert b"\x0e\x01\x02\x00" not in plain_tiff(bytes(data)).data[len(data) :]


def test_both_byte_orders_are_read() -> None:
    """As old Macintosh programs write them."""
    rng = random.Random(0)
    picture = sample(rng)
    swapped = bytearray(b"MM\0*\0\0\0\x08" + struct.pack(">H", len(GOOD)))
    for tag in sorted(GOOD):
        kind, count, value = GOOD[tag]
        swapped += struct.pack(">HHI", tag, kind, count)
        swapped += struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
    data = bytes(swapped) + b"\0" * 4 + PIXELS
    assert decode(data).pixels[:, :, 0].tobytes() == PIXELS
    assert np.array_equal(decode(encoded(picture, "tiff")).pixels, np.asarray(picture))


@pytest.mark.parametrize("bits", ["1", "L", "RGB"])
def test_a_raw_picture_without_its_last_byte_is_damaged(bits: str) -> None:
    """The decoder must never read on into the directory that is put behind the pixels."""
    data = encoded(Image.new(bits, (33, 17)), "tiff")
    decode(data)
    for cut in range(1, 60):
        with pytest.raises(DamagedImage):
            decode(data[:-cut])
