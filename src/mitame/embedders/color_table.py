"""The colours of `color`: 32 levels per channel, each shared among the bins of a palette."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.protocol import Pixels

Floats = NDArray[np.float32]

GREY_BELOW, GREY_FADE = 0.02, 0.05
LEVELS = 32

# Ottosson 2020: linear sRGB to cone responses, and their cube roots to lightness, a and b.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


@dataclass(frozen=True)
class Palette:
    """Bins of a soft histogram: greys by lightness; colours by hue, lightness and chroma.

    Attributes:
        greys: levels of lightness for pixels without colour.
        hues: sectors of the hue circle.
        lights: levels of lightness in each sector.
        chromas: levels of chroma in each sector.
    """

    greys: int
    hues: int
    lights: int
    chromas: int

    @property
    def bins(self) -> int:
        """How many there are."""
        return self.greys + self.hues * self.lights * self.chromas


FINE = Palette(greys=8, hues=12, lights=3, chromas=2)
COARSE = Palette(greys=4, hues=6, lights=2, chromas=1)


@cache
def color_table() -> tuple[Floats, Floats]:
    """OKLab float32[32768, 3] and shares float32[32768, fine + coarse bins] of every colour.

    A colour is 32 levels each of red, green and blue. Looking the shares up costs a third of
    working them out.
    """
    levels = np.indices((LEVELS,) * 3).reshape(3, -1).T
    lab = oklab(np.rint(levels * (255 / (LEVELS - 1))).astype(np.uint8))
    shares = np.concatenate([bin_shares(lab, FINE), bin_shares(lab, COARSE)], axis=1)
    return lab, shares


def oklab(colors: Pixels) -> Floats:
    """uint8[n, 3] sRGB as float32[n, 3]: lightness 0 to 1, a (green to red), b (blue to yellow)."""
    linear = _linear_light()[colors]
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T)


def bin_shares(lab: Floats, palette: Palette) -> Floats:
    """How each colour of float32[n, 3] is shared among the bins: float32[n, bins]; sums are 1."""
    light, a, b = lab.T
    chroma = np.hypot(a, b)
    colourful = np.clip((chroma - GREY_BELOW) / GREY_FADE, 0, 1)
    sector = np.arctan2(b, a) / (2 * np.pi) * palette.hues
    hues = _nearness(sector, palette.hues, circular=True)
    lights = _nearness((light - 0.2) / 0.7 * (palette.lights - 1), palette.lights)
    chromas = _nearness((chroma - 0.07) / 0.12 * (palette.chromas - 1), palette.chromas)
    colours = np.einsum("nh,nl,nc->nhlc", hues, lights, chromas).reshape(len(lab), -1)
    greys = _nearness(light * (palette.greys - 1), palette.greys)
    parts = [greys * (1 - colourful)[:, None], colours * colourful[:, None]]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _nearness(position: Floats, levels: int, *, circular: bool = False) -> NDArray[np.float64]:
    """Share of each of `levels` whole positions, [n, levels]: linear between the two around."""
    places = np.arange(levels, dtype=np.float64)
    if circular:
        away = (position[:, None] - places + levels / 2) % levels - levels / 2
    else:
        away = np.clip(position, 0, levels - 1)[:, None] - places
    return np.asarray(np.maximum(0.0, 1 - np.abs(away)))


@cache
def _linear_light() -> Floats:
    """sRGB's transfer curve for 0 to 255 (IEC 61966-2-1)."""
    x = np.arange(256) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)
