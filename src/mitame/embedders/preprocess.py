"""From a decoded picture to a network's input: resize, crop, normalise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.protocol import Pixels
from mitame.embedders.resample import Box, Filter, resample
from mitame.errors import UsageError
from mitame.native import module

Mode = Literal["crop", "squash", "letterbox"]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Recipe:
    """How a picture becomes a network's input.

    Attributes:
        size: width and height of the input, in pixels.
        resize: with mode ``crop``: the shorter side, in pixels, before the centre is cut out;
            at least the longer one of `size`.
        mode: ``crop`` keeps the proportions and cuts the centre out, ``squash`` stretches the
            whole picture, ``letterbox`` fits the whole picture in and fills the rest.
        filter: Pillow's resampling filter.
        mean, scale: per channel of RGB, in units of 0 to 255: the input is ``(x - mean) / scale``.
        fill: grey value, 0 to 255, around a letterboxed picture.
    """

    size: tuple[int, int]
    resize: int
    mode: Mode = "crop"
    filter: Filter = "bicubic"
    mean: Triple = (127.5, 127.5, 127.5)
    scale: Triple = (127.5, 127.5, 127.5)
    fill: int = 255

    @property
    def decode_side(self) -> int:
        """Shorter side, in pixels, below which a decoded picture would have to be enlarged."""
        return self.resize if self.mode == "crop" else max(self.size)

    def as_json(self) -> dict[str, Any]:
        """What of it decides a vector's meaning, as plain JSON values, for a spec."""
        recipe: dict[str, Any] = {
            "mode": self.mode,
            "filter": self.filter,
            "mean": list(self.mean),
            "scale": list(self.scale),
        }
        if self.mode == "crop":
            recipe["resize"] = self.resize
        if self.mode == "letterbox":
            recipe["fill"] = self.fill
        return recipe


def check_pixels(pixels: object) -> Pixels:
    """The picture itself if it is one.

    Raises:
        UsageError: not uint8[height, width, 3] with at least one pixel.
    """
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        raise UsageError("a picture must be a NumPy array of uint8", remedy="decode it to RGB")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise UsageError(
            f"a picture must have shape (height, width, 3), not {pixels.shape}",
            remedy="decode it to RGB",
        )
    return pixels


def fit(pixels: Pixels, recipe: Recipe) -> Pixels:
    """One picture, uint8[height, width, 3], as uint8[size.height, size.width, 3] in RGB.

    In mode ``crop`` only the pixels that the cut-out needs are computed. They equal those of
    resizing the whole picture and cutting afterwards, but for roundings, by a few levels of 255 at
    most and under one in a thousand.

    Raises:
        UsageError: not a picture.
    """
    height, width = check_pixels(pixels).shape[:2]
    if recipe.mode == "crop":
        return resample(pixels, recipe.size, crop_box(width, height, recipe), recipe.filter)
    if recipe.mode == "squash":
        return resample(pixels, recipe.size, (0, 0, width, height), recipe.filter)
    return _letterbox(pixels, recipe)


def crop_box(width: int, height: int, recipe: Recipe) -> Box:
    """The part of a picture that the centre crop shows: left, top, right, bottom in its pixels."""
    short = min(width, height)
    # The resized longer side is cut to a whole number, like torchvision's Resize.
    resized = (recipe.resize * width // short, recipe.resize * height // short)
    left, top = ((side - cut + 1) // 2 for side, cut in zip(resized, recipe.size, strict=True))
    across, down = width / resized[0], height / resized[1]
    right, bottom = left + recipe.size[0], top + recipe.size[1]
    return left * across, top * down, min(right * across, width), min(bottom * down, height)


def _letterbox(pixels: Pixels, recipe: Recipe) -> Pixels:
    height, width = pixels.shape[:2]
    factor = min(recipe.size[0] / width, recipe.size[1] / height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    canvas = np.full((recipe.size[1], recipe.size[0], 3), recipe.fill, np.uint8)
    left, top = (recipe.size[0] - size[0]) // 2, (recipe.size[1] - size[1]) // 2
    inside = resample(pixels, size, (0, 0, width, height), recipe.filter)
    canvas[top : top + size[1], left : left + size[0]] = inside
    return canvas


def check_prepared(
    prepared: Sequence[NDArray[Any]], size: tuple[int, int]
) -> Sequence[NDArray[Any]]:
    """The pictures themselves if all are what `fit` gives for this size (width, height).

    Raises:
        UsageError: one of them is not.
    """
    shape = (size[1], size[0], 3)
    for picture in prepared:
        if picture.shape != shape or picture.dtype != np.uint8:
            raise UsageError(
                f"a prepared picture must be uint8{list(shape)}, "
                f"not {picture.dtype}{list(picture.shape)}",
                remedy="pass pictures through prepare() of the same embedder",
            )
    return prepared


def normalise(pictures: Pixels | Sequence[Pixels], recipe: Recipe) -> NDArray[np.float32]:
    """uint8[n, height, width, 3] as float32[n, 3, height, width], ``(x - mean) / scale``.

    `pictures` may be one array or several pictures of one size, at least one.
    """
    height, width = pictures[0].shape[:2]
    values = np.empty((len(pictures), 3, height, width), np.float32)
    native = module()
    for picture, planes in zip(pictures, values, strict=True):
        if native is None:
            _normalise_one(picture, recipe, planes)
        else:
            native.normalise(np.ascontiguousarray(picture), planes, recipe.mean, recipe.scale)
    return values


def _normalise_one(picture: Pixels, recipe: Recipe, planes: NDArray[np.float32]) -> None:
    mean, scale = (
        np.asarray(each, np.float32)[:, None, None] for each in (recipe.mean, recipe.scale)
    )
    np.subtract(picture.transpose(2, 0, 1), mean, out=planes)
    planes *= 1 / scale


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of float32[n, dimension] divided by its Euclidean length; a zero row stays zero."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1
    return np.asarray(vectors / lengths[:, None], np.float32)
