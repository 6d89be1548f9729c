"""Paints the parts of a shape as a catalogue picture: backdrop, soft shadow, pattern and light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from mitame.demo.outlines import Light, Part, Points
from mitame.demo.patterns import Rgb, accent, pattern_outlines, tones

SUPERSAMPLE = 2
_SHADOW_SIDE = 64  # a blurred shadow has no detail: a small one, enlarged, looks the same
_SHADOW_COLOUR = (52, 46, 62)
_RAMP = 32


@dataclass(frozen=True)
class View:
    """How a thing is placed and photographed.

    Attributes:
        scale: size against the unit square.
        tilt: degrees, clockwise.
        flip: mirrored left to right.
        shift: to the right and down, in unit squares.
        backdrop: colour of the wall.
        lying: seen from above, its shadow all around; otherwise standing on the floor.
    """

    scale: float
    tilt: float
    flip: bool
    shift: tuple[float, float]
    backdrop: Rgb
    lying: bool


@dataclass(frozen=True)
class Inlay:
    """A pattern as it lies on the canvas: where it is, and its colour."""

    mask: Image.Image
    colour: Rgb


def paint(
    parts: Sequence[Part], view: View, *, colour: str, pattern: str, spacing: float, size: int
) -> Image.Image:
    """The finished picture, `size` x `size`, RGB.

    Args:
        parts: from back to front.
        view: how it is placed.
        colour: a name in COLOURS.
        pattern: a name in PATTERNS.
        spacing: of the pattern, in unit squares.
        size: pixels.
    """
    side = size * SUPERSAMPLE
    placed = [_placed(part.outline, view) * side for part in parts]
    canvas = _backdrop(view.backdrop, side)
    _cast_shadow(canvas, placed, view)
    figures = _placed(pattern_outlines(pattern, spacing), view) * side
    cloth = Inlay(_mask(figures, side), accent(colour)) if len(figures) else None
    colours = tones(colour)
    for part, outline in zip(parts, placed, strict=True):
        _fill(canvas, outline, part, colours[part.paint], cloth if part.paint == "body" else None)
    return canvas.reduce(SUPERSAMPLE)


def _placed(outline: Points, view: View) -> Points:
    """The outline scaled, tilted and flipped around the middle of the square, then shifted."""
    angle = np.radians(view.tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centred = (outline - 0.5) * view.scale @ turn
    if view.flip:
        centred = centred * np.array([-1.0, 1.0])
    moved: Points = centred + 0.5 + np.array(view.shift)
    return moved


def _backdrop(colour: Rgb, side: int) -> Image.Image:
    """A seamless paper backdrop: lightest behind the thing, a little darker above and below."""
    rows = np.linspace(0, 1, side)
    light = 1.0 - 0.28 * (rows - 0.45) ** 2
    column = (light[:, None, None] * np.array(colour)).round().astype(np.uint8)
    return Image.fromarray(column).resize((side, side), Image.Resampling.NEAREST)


def _cast_shadow(canvas: Image.Image, outlines: Sequence[Points], view: View) -> None:
    side = canvas.width
    small = [outline * (_SHADOW_SIDE / side) for outline in outlines]
    mask = Image.new("L", (_SHADOW_SIDE, _SHADOW_SIDE))
    pen = ImageDraw.Draw(mask)
    if view.lying:
        for outline in small:
            pen.polygon((outline + np.array([1.0, 2.0])).ravel().tolist(), fill=110)
        blur = 1.8
    else:
        every = np.concatenate(small)
        (left, _), (right, floor) = every.min(axis=0), every.max(axis=0)
        pen.ellipse((left + 1, floor - 2.6, right - 1, floor + 1.6), fill=135)
        blur = 1.5
    mask = mask.filter(ImageFilter.GaussianBlur(blur))
    _enlarge_onto(canvas, mask, mask.getbbox() or (0, 0, 1, 1))


def _enlarge_onto(
    canvas: Image.Image, mask: Image.Image, rectangle: tuple[int, int, int, int]
) -> None:
    """Darkens the canvas where the small mask is set; only its rectangle is enlarged."""
    scale = canvas.width / mask.width
    left, top, right, bottom = (round(edge * scale) for edge in rectangle)
    extent = (right - left, bottom - top)
    large = mask.resize(extent, Image.Resampling.BILINEAR, box=rectangle)
    canvas.paste(_SHADOW_COLOUR, (left, top), large)


def _mask(outlines: Points, side: int) -> Image.Image:
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    for outline in outlines:
        pen.polygon(outline.ravel().tolist(), fill=255)
    return mask


def _fill(
    canvas: Image.Image, outline: Points, part: Part, colour: Rgb, inlay: Inlay | None
) -> None:
    """One part with its pattern and light, on the canvas, within its own rectangle only."""
    low = np.floor(outline.min(axis=0)).astype(int)
    high = np.ceil(outline.max(axis=0)).astype(int) + 1
    left, top = (int(v) for v in np.clip(low, 0, canvas.width - 1))
    right, bottom = (int(v) for v in np.clip(high, 1, canvas.width))
    extent = (max(right - left, 1), max(bottom - top, 1))
    mask = Image.new("L", extent)
    corner = np.array([left, top])
    opacity = round(part.opacity * 255)
    ImageDraw.Draw(mask).polygon((outline - corner).ravel().tolist(), fill=opacity)
    fill = Image.new("RGB", extent, colour)
    if inlay is not None:
        rectangle = (left, top, left + extent[0], top + extent[1])
        fill.paste(inlay.colour, (0, 0), inlay.mask.crop(rectangle))
    if part.light != "flat":
        light = _ramp(part.light).resize(extent, Image.Resampling.BILINEAR)
        fill = ImageChops.hard_light(fill, light)
    canvas.paste(fill, (left, top), mask)


@lru_cache(maxsize=4)
def _ramp(light: Light) -> Image.Image:
    """The light on a part as a small grey picture: 128 leaves a colour as it is."""
    across = np.linspace(0, 1, _RAMP)[None, :]
    down = np.linspace(0, 1, _RAMP)[:, None]
    if light == "across":
        gleam = 34 * np.exp(-(((across - 0.3) / 0.16) ** 2))
        level = 128 + gleam - 52 * np.clip(across - 0.45, 0, 1) ** 1.3 * 1.6 - 8 * down
        level = level - 26 * np.clip(0.14 - across, 0, 1) / 0.14
    elif light == "down":
        level = 146 - 46 * down + 0 * across
    else:
        away = np.hypot(across - 0.36, down - 0.32)
        level = 152 - 80 * away**1.4 + 50 * np.exp(-((away / 0.13) ** 2))
    grey = np.broadcast_to(np.clip(level, 0, 255), (_RAMP, _RAMP)).round().astype(np.uint8)
    return Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2))
