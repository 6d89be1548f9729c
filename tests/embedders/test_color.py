"""`color`: what it calls alike, what it tells apart, and that small edits move it little."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from mitame.embedders.color import DIMENSION, SPEC, ColorEmbedder, region_masks
from mitame.embedders.color_table import COARSE, FINE, bin_shares, color_table, oklab
from mitame.embedders.protocol import Pixels

EMBEDDER = ColorEmbedder()
COLORS = {
    "red": (220, 30, 30),
    "green": (30, 160, 50),
    "blue": (30, 40, 220),
    "yellow": (240, 220, 40),
    "black": (5, 5, 5),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
}


def flat(color: tuple[int, int, int]) -> Pixels:
    return np.broadcast_to(np.array(color, np.uint8), (60, 50, 3))


def product(color: tuple[int, int, int], background: int = 255) -> Image.Image:
    """A thing with a shadow and a stripe in the middle of an even background."""
    picture = np.full((240, 200, 3), background, np.uint8)
    shade = np.linspace(0.7, 1.1, 140)[:, None, None]
    picture[50:190, 50:150] = np.clip(np.array(color) * shade, 0, 255).astype(np.uint8)
    picture[100:110, 50:150] = 250 - np.array(color, int)
    return Image.fromarray(picture)


def score(a: Pixels | Image.Image, b: Pixels | Image.Image) -> float:
    first, second = EMBEDDER.embed([EMBEDDER.prepare(np.asarray(x)) for x in (a, b)])
    return float(first @ second)


def test_dimension() -> None:
    """The spec's dimension is that of the vectors."""
    assert DIMENSION == SPEC.dimension == FINE.bins + 6 * COARSE.bins == 176


def test_distinct_colours() -> None:
    """Any two of seven plain colours, black, white and grey among them, score below 0.4."""
    prepared = [EMBEDDER.prepare(flat(color)) for color in COLORS.values()]
    vectors = EMBEDDER.embed(prepared)
    scores = vectors @ vectors.T - np.eye(len(COLORS))
    assert np.abs(np.diag(scores)).max() < 1e-5
    assert scores.max() < 0.4


def test_shades_are_nearer_than_other_colours() -> None:
    """A darker red is nearer to red than orange is, and orange nearer than blue."""
    red = flat((220, 30, 30))
    darker, orange, blue = (
        score(red, flat(c)) for c in ((180, 20, 20), (245, 140, 20), (0, 0, 255))
    )
    assert darker > 0.8 > orange > blue


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


@pytest.mark.parametrize("color", [COLORS["red"], COLORS["blue"], COLORS["grey"], (150, 110, 80)])
def test_edits(color: tuple[int, int, int]) -> None:
    """Resized, compressed, mirrored, a little brighter, cropped: still the same colours."""
    image = product(color)
    width, height = image.size
    assert score(image, image.resize((width * 3, height * 3))) > 0.98
    assert score(image, image.resize((width // 2, height // 2))) > 0.98
    assert score(image, jpeg(image, 30)) > 0.99
    assert score(image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 0.999
    assert score(image, ImageEnhance.Brightness(image).enhance(0.95)) > 0.95
    assert score(image, image.crop((5, 6, width - 5, height - 6))) > 0.97


@pytest.mark.parametrize("size", [(64, 80), (150, 200), (299, 401), (1200, 1600)])
def test_resized(size: tuple[int, int]) -> None:
    """A picture with soft colours scores over .99 with any size of itself."""
    coarse = np.random.default_rng(4).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((300, 400), Image.Resampling.BICUBIC)
    assert score(image, image.resize(size)) > 0.99


@pytest.mark.parametrize("level", range(120, 136))
def test_no_jumps(level: int) -> None:
    """One level brighter never scores below .99: levels are not rounded away."""
    assert score(flat((level, level, 90)), flat((level + 1, level + 1, 91))) > 0.99


def test_background_counts_less() -> None:
    """Two red things on black and white are nearer than a red and a blue one, both on white."""
    red, blue = COLORS["red"], COLORS["blue"]
    same_thing = score(product(red, 255), product(red, 0))
    assert same_thing > score(product(red, 255), product(blue, 255)) + 0.1


def test_place_counts() -> None:
    """Red above blue is not blue above red; red beside blue is blue beside red (mirrored)."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32], picture[32:] = COLORS["red"], COLORS["blue"]
    assert score(picture, picture[::-1]) < 0.9
    turned = picture.transpose(1, 0, 2)
    assert score(turned, turned[:, ::-1]) > 0.999


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 80))
def test_any_picture(seed: int, height: int, width: int) -> None:
    """No entry is negative, the length is 1, and noise of any size has a vector."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    vector = EMBEDDER.embed([EMBEDDER.prepare(picture)])[0]
    assert (vector >= 0).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_oklab_of_the_primaries() -> None:
    """White has lightness 1 and no colour; red's values are those of CSS Color 4."""
    white, red, black = oklab(np.array([[255] * 3, [255, 0, 0], [0] * 3], np.uint8))
    assert np.allclose(white, [1, 0, 0], atol=1e-4)
    assert np.allclose(red, [0.62796, 0.22486, 0.12585], atol=1e-4)
    assert np.allclose(black, 0)


def test_shares_sum_to_one() -> None:
    """Every colour is shared among bins without loss, in both palettes; regions cover all."""
    lab, shares = color_table()
    assert np.allclose(shares[:, : FINE.bins].sum(1), 1, atol=1e-5)
    assert np.allclose(shares[:, FINE.bins :].sum(1), 1, atol=1e-5)
    assert (shares >= 0).all()
    assert len(bin_shares(lab[:7], FINE)) == 7
    assert np.allclose(region_masks()[1:].sum(0), 1)


def test_shares_are_continuous() -> None:
    """Colours a thousandth apart in OKLab have shares less than .15 apart, hues included."""
    random = np.random.default_rng(2)
    lab = np.stack([random.uniform(0, 1, 5000), *random.uniform(-0.3, 0.3, (2, 5000))], 1)
    step = random.normal(size=lab.shape)
    step *= 0.001 / np.linalg.norm(step, axis=1, keepdims=True)
    for palette in (FINE, COARSE):
        near = bin_shares((lab + step).astype("f4"), palette)
        assert np.abs(near - bin_shares(lab.astype("f4"), palette)).max() < 0.15
