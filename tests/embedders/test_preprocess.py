"""Resize, crop and normalise: against Pillow done plainly, and by their laws."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mitame.embedders.preprocess import (
    Mode,
    Recipe,
    check_prepared,
    crop_box,
    fit,
    normalise,
    unit,
)
from mitame.embedders.protocol import Pixels
from mitame.embedders.resample import Filter
from mitame.errors import UsageError

LITE0 = Recipe((224, 224), 256)


def noise(height: int, width: int) -> Pixels:
    random = np.random.default_rng(height * 10_007 + width)
    coarse = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


@pytest.mark.parametrize(
    ("height", "width"), [(300, 400), (400, 301), (256, 256), (1000, 1003), (97, 64), (720, 405)]
)
def test_crop_equals_resizing_all_of_it(height: int, width: int) -> None:
    """Only the cut-out is computed, yet it is the centre of the whole resized picture."""
    pixels = noise(height, width)
    short = min(height, width)
    whole = (256 * width // short, 256 * height // short)
    left, top = (whole[0] - 224 + 1) // 2, (whole[1] - 224 + 1) // 2
    resized = Image.fromarray(pixels).resize(whole, Image.Resampling.BICUBIC)
    plain = np.asarray(resized.crop((left, top, left + 224, top + 224))).astype(int)
    difference = np.abs(fit(pixels, LITE0).astype(int) - plain)
    assert difference.max() <= 1
    assert difference.mean() < 0.01


def test_exact_sizes_are_untouched() -> None:
    """A picture that is as large as wished is only cut, or not touched at all."""
    pixels = noise(256, 256)
    assert np.array_equal(fit(pixels, LITE0), pixels[16:240, 16:240])
    assert fit(pixels, Recipe((256, 256), 256)) is pixels


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(get_args(Mode)))
def test_any_size(height: int, width: int, mode: Mode) -> None:
    """Every picture and mode gives the size asked for; a flat colour stays what it is."""
    flat = np.broadcast_to(np.array([200, 30, 90], np.uint8), (height, width, 3))
    recipe = Recipe((31, 17), 40, mode=mode, fill=0)
    found = fit(flat, recipe)
    assert found.shape == (17, 31, 3)
    inside = found[found.any(2)] if mode == "letterbox" else found.reshape(-1, 3)
    assert len(inside) > 0
    assert (inside == [200, 30, 90]).all()


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 500), st.integers(0, 100))
def test_crop_box_lies_inside(width: int, height: int, side: int, more: int) -> None:
    """The box is inside of the picture, in its middle, and as large as the crop's share of it."""
    left, top, right, bottom = crop_box(width, height, Recipe((side, side), side + more))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    pixel = max(right - left, bottom - top) / side
    assert abs((left + right) - width) <= 1.01 * pixel
    assert abs((top + bottom) - height) <= 1.01 * pixel


def test_letterbox() -> None:
    """The whole picture is inside, centred, and the rest is filled."""
    white = np.full((50, 100, 3), 250, np.uint8)
    found = fit(white, Recipe((20, 20), 20, mode="letterbox", fill=7))
    assert (found[:5] == 7).all()
    assert (found[5:15] == 250).all()
    assert (found[15:] == 7).all()


def test_squash_shows_all() -> None:
    """The left half of a picture is the left half of the result, whatever its proportions."""
    pixels = np.zeros((10, 400, 3), np.uint8)
    pixels[:, :200] = 255
    found = fit(pixels, Recipe((8, 8), 8, mode="squash", filter="box"))
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] == 0).all()


@pytest.mark.parametrize("name", get_args(Filter))
def test_filters(name: Filter) -> None:
    """Every filter's name is one that Pillow knows."""
    assert fit(noise(40, 50), Recipe((8, 8), 8, filter=name)).shape == (8, 8, 3)


def test_normalise() -> None:
    """`(x - mean) / scale` per channel, channels first, to the last bit or two of float32."""
    batch = noise(6, 5)[None]
    recipe = Recipe((5, 6), 6, mean=(127.5, 100, 0), scale=(127.5, 2, 255))
    found = normalise(batch, recipe)
    assert found.shape == (1, 3, 6, 5)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    mean, scale = np.array(recipe.mean, np.float32), np.array(recipe.scale, np.float32)
    expected = (batch.astype(np.float32) - mean) / scale
    assert np.allclose(found, expected.transpose(0, 3, 1, 2), rtol=1e-6, atol=1e-7)


def test_unit() -> None:
    """Rows get length 1, however long they were; a zero row stays zero; the input stays."""
    rows = np.array([[3, 4], [0, 0], [3e30, 4e30], [3e-30, 4e-30]], np.float32)
    before = rows.copy()
    expected = np.array([[0.6, 0.8], [0, 0], [0.6, 0.8], [0.6, 0.8]])
    assert np.allclose(unit(rows), expected)
    assert np.array_equal(rows, before)


def test_unprepared_pictures_are_refused() -> None:
    """A picture that skipped `prepare` is named by its shape."""
    with pytest.raises(UsageError, match="not uint8"):
        check_prepared([np.zeros((9, 8, 3), np.uint8)], (8, 8))
    with pytest.raises(UsageError, match="float32"):
        check_prepared([np.zeros((8, 8, 3), np.float32)], (8, 8))


def test_recipe_as_json_says_what_matters() -> None:
    """Keys that do not act in a mode are left out, so that they can't split a fingerprint."""
    assert "fill" not in LITE0.as_json()
    assert LITE0.as_json()["resize"] == 256
    squash = Recipe((8, 8), 8, mode="squash").as_json()
    assert "resize" not in squash
    assert Recipe((8, 8), 8, mode="letterbox").as_json()["fill"] == 255
