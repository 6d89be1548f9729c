"""Which bytes are which format, by content alone."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.errors import EmptyImage, ImageError, NotAnImage, UnsupportedImage
from mitame.images.formats import READ, sniff
from tests.images.hostile import SUFFIX, encoded, sample


@pytest.mark.parametrize("kind", sorted(SUFFIX))
def test_known_formats_are_told_by_their_content(kind: str) -> None:
    """Every kind of picture that Pillow writes is recognised."""
    assert sniff(encoded(sample(random.Random(0)), kind)) == kind.partition("-")[0].upper()


def test_heic_and_avif_are_told_apart_by_their_brands() -> None:
    """The major brand may be the general one; then a compatible one decides."""
    general = b"\0\0\0\x1cftypmif1\0\0\0\0mif1%smiaf"
    assert sniff(general % b"heic") == "HEIC"
    assert sniff(general % b"avif") == "AVIF"


@pytest.mark.parametrize(
    ("data", "error", "word"),
    [
        (b"", EmptyImage, "empty"),
        (b"%PDF-1.4", UnsupportedImage, "PDF"),
        (b"8BPS\0\x01", UnsupportedImage, "Photoshop"),
        (b"\xff\x0a\xfa\x1f", UnsupportedImage, "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", UnsupportedImage, "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", UnsupportedImage, "JPEG 2000"),
        (b"\0\0\x01\0\x02\0", UnsupportedImage, "icon"),
        (b"\xef\xbb\xbf  <svg width='1'/>", UnsupportedImage, "SVG"),
        (b"<?xml version='1.0'?>\n<!-- a -->\n<svg/>", UnsupportedImage, "SVG"),
        (b"P5 3 3 255\n", UnsupportedImage, "Netpbm"),
        (b"II*\0\x10\0\0\0CR\x02\0", UnsupportedImage, "raw"),
        (b"\0\0\0\x18ftypcrx ", UnsupportedImage, "raw"),
        (b"II+\0\x08\0", UnsupportedImage, "BigTIFF"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", NotAnImage, "video"),
        (b"RIFF\0\0\0\0WAVE", NotAnImage, "sound"),
        (b"PK\x03\x04\x14\0", NotAnImage, "zip"),
        (b"\n<!DOCTYPE HTML>\n", NotAnImage, "web page"),
        (b"just words\n", NotAnImage, "text"),
        ("見た目".encode(), NotAnImage, "text"),
        (b"\0" * 100, NotAnImage, "zero"),
        (b"\x01\x02\x03", NotAnImage, "no picture format"),
    ],
)
def test_the_refusal_says_what_it_is(data: bytes, error: type[ImageError], word: str) -> None:
    """Each other kind of content gets the right class, and its name in the message."""
    with pytest.raises(error, match=word) as caught:
        sniff(data)
    assert type(caught.value) is error


@given(st.binary(max_size=64))
def test_any_bytes_are_a_known_format_or_refused(data: bytes) -> None:
    """No bytes get another answer, or another exception."""
    with suppress(ImageError):
        assert sniff(data) in READ
