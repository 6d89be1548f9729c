"""Hashes of bytes and of looks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mitame.images.decode import decode
from mitame.images.fingerprint import content_hash, perceptual_hash
from tests.images.hostile import encoded


def drawn(seed: int) -> Image.Image:
    """A picture with large shapes, as photographs have."""
    rng = random.Random(seed)
    image = Image.new("RGB", (320, 240), tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = rng.randrange(320), rng.randrange(240)
        box = (x, y, x + rng.randrange(20, 160), y + rng.randrange(20, 160))
        fill = tuple(rng.randrange(256) for _ in range(3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=fill)
    return image


def looks(image: Image.Image) -> int:
    return perceptual_hash(np.asarray(image))


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def test_content_hash_is_sha256() -> None:
    """The published digest of "abc" (FIPS 180-2, B.1)."""
    assert content_hash(b"abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.integers(60, 700), height=st.integers(60, 700))
def test_looks_survive_resizing(seed: int, width: int, height: int) -> None:
    """Another size, and another shape, is the same picture within a few bits."""
    image = drawn(seed)
    assert distance(looks(image), looks(image.resize((width, height)))) <= 10


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), brightness=st.floats(0.6, 1.0))
def test_looks_survive_recompression_and_dimming(seed: int, brightness: float) -> None:
    """Coarse JPEG and less light keep nearly all bits."""
    image = drawn(seed)
    dim = image.point(lambda level: level * brightness)
    assert distance(looks(image), perceptual_hash(decode(encoded(dim, "jpeg")).pixels)) <= 10


def test_other_pictures_look_different() -> None:
    """Of 1,225 pairs of pictures, none is as near as a copy would be, and half the bits differ."""
    hashes = [looks(drawn(seed)) for seed in range(50)]
    distances = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 10
    assert 28 < float(np.mean(distances)) < 36


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3, 2), (32, 32)])
def test_any_size_has_a_hash_of_64_bits(size: tuple[int, int]) -> None:
    """Also pictures smaller than the grid, and of one colour."""
    assert 0 <= looks(Image.new("RGB", size, (7, 8, 9))) < 2**64
