"""`color`: which colours a picture has and where, without a model.

A picture becomes soft histograms in OKLab (Ottosson 2020, "A perceptual color space for image
processing"): one fine histogram of all of it, and a coarse one for each of six regions. Square
roots of histograms are compared by cosine, which is the Bhattacharyya coefficient: 1 for the same
shares of colours, 0 where no colour is shared.

*Soft*: a pixel is shared among the neighbouring bins, so that a slightly brighter copy moves a
little and not from bin to bin. *Regions*: top, middle and bottom, each split into the central
column and both sides together, so that a mirrored picture has the same vector. *Background*: pixels
that look like an even border count less, and the centre counts more than the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.color_table import COARSE, FINE, LEVELS, color_table
from mitame.embedders.preprocess import check_pixels, check_prepared, unit
from mitame.embedders.protocol import EmbedderSpec, Pixels, Vectors
from mitame.embedders.resample import LONGEST
from mitame.native import module

Floats = NDArray[np.float32]

SIDE = 32
DECODE_SIDE = 256
BATCH = 16
GLOBAL_SHARE = 0.5
BACKGROUND_FLOOR = 0.15
EVEN_BORDER = 0.06
CONSTANTS = (BACKGROUND_FLOOR, EVEN_BORDER, GLOBAL_SHARE)
SLOTS = 16
"""Bins that a colour can have a share in: 10 of `FINE`, 6 of `COARSE`."""

REGIONS = 6
DIMENSION = FINE.bins + REGIONS * COARSE.bins


class ColorEmbedder:
    """The model-free embedder of colours; see the module.

    Raises:
        UsageError: ``MITAME_KERNEL`` asks for a kernel that can't run here.
    """

    def __init__(self) -> None:
        module()  # told now, not once per picture

    @property
    def spec(self) -> EmbedderSpec:
        """What its vectors mean."""
        return SPEC

    @property
    def decode_side(self) -> int:
        """Shorter side, in pixels, that a decoded picture must at least have to lose nothing.

        Less would do, but then a vector would depend on which lenses a picture is decoded for.
        """
        return DECODE_SIDE

    @property
    def batch_size(self) -> int:
        """Pictures per call that are quickest."""
        return BATCH

    def prepare(self, pixels: Pixels) -> NDArray[Any]:
        """One picture, uint8[height, width, 3] RGB, as mean colours uint8[32, 32, 3].

        Raises:
            UsageError: not such a picture.
        """
        # Of a tall picture six rows stand for each row of means: half the time.
        step = max(1, len(check_pixels(pixels)) // (6 * SIDE))
        native = module()
        if native is None or max(pixels.shape) > LONGEST:
            return _mean_colors(pixels[::step])
        found = np.empty((SIDE, SIDE, 3), np.uint8)
        native.mean_colors(np.ascontiguousarray(pixels), found, step)
        return found

    def embed(self, prepared: Sequence[NDArray[Any]]) -> Vectors:
        """Any number of prepared pictures to float32[n, 176], each of length 1.

        Raises:
            UsageError: a picture that did not go through `prepare`.
        """
        vectors = np.empty((len(prepared), DIMENSION), np.float32)
        pictures = check_prepared(prepared, (SIDE, SIDE))
        native = module()
        for picture, vector in zip(pictures, vectors, strict=True):
            if native is None:
                vector[:] = describe(picture)
            else:
                native.describe(np.ascontiguousarray(picture), vector, *_native_tables(native))
        return unit(vectors)


# Measured on 3,781 photographs of clothes: same_at is the 99.5th percentile of the score of a
# picture's nearest other one, similar_at the 99th of two random ones.
SPEC = EmbedderSpec(
    name="color",
    weights="",
    input_size=(SIDE, SIDE),
    preprocessing={"filter": "box", "mode": "squash", "version": 2},
    dimension=DIMENSION,
    licence="Apache-2.0",
    same_at=0.997,
    similar_at=0.92,
)


def _mean_colors(pixels: Pixels) -> Pixels:
    """uint8[height, width, 3] as uint8[32, 32, 3]; the kernel's differ by one level at most."""
    from PIL import Image  # 25 ms that a program without pictures saves

    image = Image.fromarray(pixels)
    # Whole-number averages first: quicker, and colours differ by a level at most.
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=1.5))


def describe(picture: Pixels) -> Floats:
    """Square roots of the weighted histograms of uint8[32, 32, 3], one after the other."""
    codes = color_codes(picture)
    lab, shares = color_table()
    weights = pixel_weights(lab.take(codes, axis=0))
    sums = (region_masks() * weights) @ shares.take(codes, axis=0)
    fine, coarse = sums[0, : FINE.bins], sums[1:, FINE.bins :]
    whole = np.sqrt(GLOBAL_SHARE / fine.sum() * fine)
    regions = np.sqrt((1 - GLOBAL_SHARE) / REGIONS / coarse.sum(1, keepdims=True) * coarse)
    return np.concatenate([whole, regions.ravel()])


@cache
def _native_tables(native: ModuleType) -> tuple[Any, ...]:
    """What the kernel needs to know to do what `describe` does."""
    lab, shares = color_table()
    places = np.empty((len(shares), SLOTS), np.uint8)
    values = np.empty((len(shares), SLOTS), np.float32)
    native.pack_shares(shares, FINE.bins, places, values)
    masks = np.ascontiguousarray(region_masks()[1:])
    dither = np.ascontiguousarray(np.broadcast_to(_dither(), (SIDE, SIDE, 1)).reshape(-1))
    counts = (LEVELS, FINE.bins, COARSE.bins)
    return lab, places, values, masks, dither, _centre(), counts, CONSTANTS


def color_codes(picture: Pixels) -> NDArray[np.intp]:
    """Rows of `color_table` for uint8[32, 32, 3], one per pixel.

    A channel's 256 levels become 32 by an ordered dither (Bayer 1973), which keeps the mean over
    an area: a flat colour between two of the 32 does not jump to one of them.
    """
    levels = (picture.astype(np.uint16) * (LEVELS - 1) + _dither()) // 255
    return levels.reshape(-1, 3).astype(np.intp) @ np.array([LEVELS**2, LEVELS, 1], np.intp)


def pixel_weights(lab: Floats) -> Floats:
    """How much each pixel counts, float32[1024]: the centre more, an even background less."""
    border = lab.take(_border(), axis=0)
    background = _middle(border)
    spread = float(_middle(np.abs(border - background).sum(1)))
    even = 1 / (1 + (spread / EVEN_BORDER) ** 2)
    distance = np.square(lab - background).sum(1)
    alike = np.exp(distance * (-0.5 / EVEN_BORDER**2))
    return np.asarray(_centre() * (1 - (1 - BACKGROUND_FLOOR) * even * alike), np.float32)


def _middle(values: Floats) -> Floats:
    """The upper median along the first axis; sorting few values is quicker than `np.median`."""
    return np.asarray(np.sort(values, axis=0)[len(values) // 2])


@cache
def _dither() -> NDArray[np.uint16]:
    """Thresholds 0 to 254, [32, 32, 1], of Bayer's 4 x 4 pattern; left and right mirrored."""
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    half = np.tile((order * 16 + 7).astype(np.uint16), (SIDE // 4, SIDE // 8))
    return np.concatenate([half, half[:, ::-1]], axis=1)[..., None]


@cache
def _border() -> NDArray[np.intp]:
    frame = np.ones((SIDE, SIDE), bool)
    frame[1:-1, 1:-1] = False
    return np.flatnonzero(frame)


@cache
def _centre() -> Floats:
    """1 in the middle, 0.4 in the corners."""
    across = np.cos((np.arange(SIDE) + 0.5 - SIDE / 2) / SIDE * np.pi / 2) ** 2
    return (0.2 + 0.8 * np.outer(across, across)).ravel().astype(np.float32)


@cache
def region_masks() -> Floats:
    """Soft masks float32[7, 1024]: all; then three bands of rows, each as centre and as sides."""
    place = (np.arange(SIDE) + 0.5) / SIDE
    bands = np.stack([_ramp(1 / 3 - place), _ramp(place - 2 / 3)])
    rows = [bands[0], 1 - bands.sum(0), bands[1]]
    centre = _ramp(0.25 - np.abs(place - 0.5))
    masks = [np.outer(row, column).ravel() for row in rows for column in (centre, 1 - centre)]
    return np.stack([np.ones(SIDE * SIDE), *masks]).astype(np.float32)


def _ramp(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1 over an eighth of the picture around x = 0."""
    return np.clip(0.5 + x * 8, 0, 1)
