"""Preparing by the native kernels: the same as Pillow and NumPy, and never a crash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame import native
from mitame.embedders import color
from mitame.embedders.preprocess import Recipe, fit, normalise
from mitame.embedders.protocol import Pixels
from mitame.embedders.resample import Filter, resample

COMPILED = native.usable()[1:]

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(not COMPILED, reason="the native module was not built here"),
]

REFUSED = (TypeError, ValueError)
sides = st.integers(1, 90) | st.integers(1, 1500)


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    """Random levels, with runs of the darkest and the lightest, where filters overshoot."""
    random = np.random.default_rng([seed, height, width])
    levels = random.integers(-200, 456, (height, width, 3))
    return np.clip(levels, 0, 255).astype(np.uint8)


@pytest.fixture
def module() -> ModuleType:
    found = native.module()
    assert found is not None
    return found


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.tuples(st.integers(1, 70), st.integers(1, 70)), st.data())
def test_resampling_is_that_of_pillow(
    height: int, width: int, size: tuple[int, int], data: st.DataObject
) -> None:
    """For every size, box and filter, each kernel gives Pillow's bytes, to one level at most."""
    fractions = st.floats(0, 1, width=32)
    edges = [sorted(data.draw(st.tuples(fractions, fractions))) for _ in "xy"]
    (left, right), (top, bottom) = edges
    if right - left < 0.01 or bottom - top < 0.01:
        left, top, right, bottom = 0, 0, 1, 1
    box = (left * width, top * height, right * width, bottom * height)
    name: Filter = data.draw(st.sampled_from(get_args(Filter)))
    pixels = noise(height, width)
    with native.forced("numpy"):
        expected = resample(pixels, size, box, name)
    found = {}
    for kernel in COMPILED:
        with native.forced(kernel):
            found[kernel] = resample(pixels, size, box, name)
        assert np.array_equal(found[kernel], found[COMPILED[0]])
    difference = np.abs(expected.astype(int) - found[COMPILED[0]])
    assert difference.max() <= 1
    # Other versions of Pillow may round otherwise here and there, but not in many places.
    assert np.count_nonzero(difference) <= max(2, difference.size // 100)


@pytest.mark.parametrize("kernel", COMPILED)
@pytest.mark.parametrize(("height", "width"), [(384, 288), (288, 512), (257, 256), (2000, 300)])
def test_default_recipe_is_bit_for_bit(kernel: str, height: int, width: int) -> None:
    """Shops' usual sizes, the default recipe: prepared pictures do not change with the kernel."""
    recipe = Recipe((224, 224), 256, filter="bilinear")
    pixels = noise(height, width)
    with native.forced("numpy"):
        expected = fit(pixels, recipe)
    with native.forced(kernel):
        assert np.array_equal(fit(pixels, recipe), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_normalising_is_that_of_numpy(height: int, width: int, count: int) -> None:
    """Each kernel gives NumPy's floats to the last bit, whatever the number of pixels."""
    recipe = Recipe((width, height), 40, mean=(123.7, 116.3, 0), scale=(58.4, 57.1, 255))
    pictures = [noise(height, width, seed) for seed in range(count)]
    with native.forced("numpy"):
        expected = normalise(pictures, recipe)
    for kernel in COMPILED:
        with native.forced(kernel):
            assert np.array_equal(normalise(pictures, recipe), expected)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.booleans())
def test_colors_are_those_of_numpy(height: int, width: int, is_flat: bool) -> None:
    """Mean colours differ by one level at most, vectors of the same means by 1e-6."""
    pixels = noise(height, width)
    if is_flat:
        pixels[:] = pixels[0, 0]
    embedder = color.ColorEmbedder()
    with native.forced("numpy"):
        means = embedder.prepare(pixels)
        (expected,) = embedder.embed([means])
    found = embedder.prepare(pixels)
    assert np.abs(found.astype(int) - means).max() <= 1
    (vector,) = embedder.embed([means])
    assert np.abs(vector - expected).max() < 1e-6
    (own,) = embedder.embed([found])
    assert own @ expected > 0.999


def test_threads_do_not_disturb_each_other() -> None:
    """Pictures of many sizes at once on four threads: each is as it is alone."""
    recipe = Recipe((32, 24), 40, filter="bilinear")
    pictures = [noise(60 + 7 * n, 300 - 11 * n, n) for n in range(16)] * 4
    alone = [fit(picture, recipe) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: fit(picture, recipe), pictures))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_inputs_may_be_read_only_and_stay(module: ModuleType) -> None:
    """The kernels read from arrays that must not be written, and write only into `out`."""
    pixels = noise(30, 40)
    before = pixels.copy()
    pixels.flags.writeable = False
    out = np.zeros((5, 6, 3), np.uint8)
    module.resample(pixels, out, (0, 0, 40, 30), "box")
    module.normalise(pixels, np.zeros((3, 30, 40), np.float32), (0, 0, 0), (1, 1, 1))
    module.mean_colors(pixels, np.zeros((32, 32, 3), np.uint8), 1)
    assert np.array_equal(pixels, before)
    out.flags.writeable = False
    with pytest.raises(REFUSED):
        module.resample(pixels, out, (0, 0, 40, 30), "box")


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 41, 30),
        (0, 0, 40, 30.1),
        (-0.1, 0, 40, 30),
        (5, 5, 5, 9),
        (9, 5, 5, 9),
        (float("nan"), 0, 40, 30),
        (0, 0, float("inf"), 30),
        (0, 0, 40),
        "abcd",
    ],
)
def test_a_box_outside_is_refused(module: ModuleType, box: Any) -> None:
    """A box that is not inside of the picture is an error, not a read beyond it."""
    with pytest.raises(REFUSED):
        module.resample(noise(30, 40), np.zeros((5, 6, 3), np.uint8), box, "box")


@pytest.mark.parametrize(
    ("pixels", "out"),
    [
        (np.zeros((30, 40), np.uint8), np.zeros((5, 6, 3), np.uint8)),
        (np.zeros((30, 40, 4), np.uint8), np.zeros((5, 6, 3), np.uint8)),
        (np.zeros((30, 40, 3), np.int8), np.zeros((5, 6, 3), np.uint8)),
        (np.zeros((30, 80, 3), np.uint8)[:, ::2], np.zeros((5, 6, 3), np.uint8)),
        (np.zeros((30, 40, 3), np.uint8), np.zeros((5, 6, 3), np.float32)),
        (np.zeros((30, 40, 3), np.uint8), np.zeros((5, 12, 3), np.uint8)[:, ::2]),
        (np.zeros((0, 40, 3), np.uint8), np.zeros((5, 6, 3), np.uint8)),
        (np.zeros((30, 40, 3), np.uint8), np.zeros((5, 0, 3), np.uint8)),
        (None, np.zeros((5, 6, 3), np.uint8)),
    ],
)
def test_other_arrays_are_refused(module: ModuleType, pixels: Any, out: Any) -> None:
    """Another shape, type or layout is an error; nothing is copied or cast in silence."""
    with pytest.raises(REFUSED):
        module.resample(pixels, out, (0, 0, 4, 3), "box")


def test_unknown_words_and_sizes_are_refused(module: ModuleType) -> None:
    """Each function names what it can't use."""
    pixels, small = noise(30, 40), np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="no filter 'cubic'"):
        module.resample(pixels, small, (0, 0, 40, 30), "cubic")
    with pytest.raises(ValueError, match="one size"):
        module.normalise(pixels, np.zeros((3, 40, 30), np.float32), (0, 0, 0), (1, 1, 1))
    for step in (0, -1, 31):
        with pytest.raises(ValueError, match="step"):
            module.mean_colors(pixels, small, step)
    with pytest.raises(ValueError, match="32, 32"):
        module.mean_colors(pixels, small[:16], 1)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=8, max_size=8), st.integers(2, 8), st.integers(1, 300), st.booleans())
def test_no_table_makes_it_crash(seed: bytes, levels: int, fine: int, fits: bool) -> None:
    """Tables of random bytes, NaN among them, give some vector or an error."""
    module = native.module()
    assert module is not None
    random = np.random.default_rng(list(seed))
    colors, coarse = levels**3, 5
    values = random.integers(0, 256, (colors, 64), dtype=np.uint8).view(np.float32)
    lab = random.integers(0, 256, (colors, 12), dtype=np.uint8).view(np.float32)
    tables = [
        lab,
        random.integers(0, 256, (colors, 16), dtype=np.uint8),
        values,
        random.random((2, 1024), np.float32),
        random.integers(0, 65_536, 1024, dtype=np.uint16),
        random.random(1024, np.float32),
    ]
    fields = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    out = np.zeros(fine + 2 * coarse + (not fits), np.float32)
    arguments = (fields, out, *tables, (levels, fine, coarse), (0.1, 0.1, 0.5))
    if fits and fine <= 256:
        module.describe(*arguments)
    else:
        with pytest.raises(ValueError, match=r"bins|per bin"):
            module.describe(*arguments)


def test_too_many_shares_are_refused(module: ModuleType) -> None:
    """A colour with shares in more bins than are kept is an error, not a vector without them."""
    shares = np.zeros((4, 96), np.float32)
    places, values = np.zeros((4, 16), np.uint8), np.zeros((4, 16), np.float32)
    shares[2, :10] = 1
    module.pack_shares(shares, 80, places, values)
    assert places[2, :10].tolist() == list(range(10))
    shares[2, 10] = 1
    with pytest.raises(ValueError, match="too many bins"):
        module.pack_shares(shares, 80, places, values)
