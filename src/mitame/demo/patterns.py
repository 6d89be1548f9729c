"""Colours and patterns of the drawn catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from mitame.demo.outlines import Paint, Points, box, ellipse

Rgb: TypeAlias = tuple[int, int, int]

COLOURS: Mapping[str, Rgb] = MappingProxyType(
    {
        "red": (200, 54, 52),
        "orange": (232, 130, 50),
        "yellow": (240, 196, 70),
        "green": (86, 148, 84),
        "teal": (40, 148, 148),
        "blue": (66, 120, 200),
        "navy": (44, 58, 104),
        "purple": (128, 88, 168),
        "pink": (232, 140, 164),
        "brown": (140, 94, 62),
        "grey": (130, 136, 144),
        "cream": (236, 222, 194),
    }
)
PATTERNS = ("plain", "stripes", "hoops", "dots", "checks", "zigzag")

_MATERIALS: dict[Paint, Rgb] = {
    "wood": (176, 128, 84),
    "metal": (176, 180, 186),
    "dark": (58, 54, 58),
    "paper": (248, 246, 240),
}
_REACH = 0.75  # patterns cover a square this far from the middle, so that a tilted shape is covered


def tones(colour: str) -> dict[Paint, Rgb]:
    """What each paint looks like on a thing of this colour."""
    base = COLOURS[colour]
    shades: dict[Paint, Rgb] = {
        "body": base,
        "plain": base,
        "deep": mixed(base, (24, 20, 32), 0.38),
        "pale": mixed(base, (255, 255, 255), 0.4),
    }
    return shades | _MATERIALS


def accent(colour: str) -> Rgb:
    """The pattern's colour: a tint on dark colours, a shade on light ones."""
    base = COLOURS[colour]
    luma = 0.299 * base[0] + 0.587 * base[1] + 0.114 * base[2]
    if luma > 185:
        return mixed(base, (96, 60, 50), 0.6)
    return mixed(base, (255, 250, 240), 0.78)


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`share` of the second colour, the rest of the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@lru_cache(maxsize=64)
def pattern_outlines(pattern: str, spacing: float) -> Points:
    """The figures of a pattern in the unit square, float64[figures, corners, 2].

    Args:
        pattern: one of PATTERNS; ``plain`` has no figures.
        spacing: distance from one figure to the next, 0.04 to 0.3.
    """
    figures = _FIGURES[pattern](np.arange(0.5 - _REACH, 0.5 + _REACH, spacing), spacing)
    return np.array(figures or np.zeros((0, 1, 2)), np.float64)


def _plain(_places: Points, _spacing: float) -> list[Points]:
    return []


def _stripes(places: Points, spacing: float) -> list[Points]:
    return [box(x, 0.5 - _REACH, x + spacing / 2, 0.5 + _REACH) for x in places]


def _hoops(places: Points, spacing: float) -> list[Points]:
    return [box(0.5 - _REACH, y, 0.5 + _REACH, y + spacing / 2) for y in places]


def _checks(places: Points, spacing: float) -> list[Points]:
    half = spacing / 2
    cells = [(x + half * odd, y + half * odd) for x in places for y in places for odd in (0, 1)]
    return [box(x, y, x + half, y + half) for x, y in cells]


def _dots(places: Points, spacing: float) -> list[Points]:
    radius = spacing * 0.28
    middles = [(x + spacing / 2 * (row % 2), y) for row, y in enumerate(places) for x in places]
    return [ellipse(x, y, radius, radius, steps=14) for x, y in middles]


def _zigzag(places: Points, spacing: float) -> list[Points]:
    turns = np.arange(len(places) * 2)
    line = np.stack([places[0] + turns * spacing / 2, spacing * 0.4 * (turns % 2)], axis=1)
    band = np.concatenate([line, (line + np.array([0.0, spacing * 0.32]))[::-1]])
    return [band + np.array([0.0, y]) for y in places]


_FIGURES = {
    "plain": _plain,
    "stripes": _stripes,
    "hoops": _hoops,
    "dots": _dots,
    "checks": _checks,
    "zigzag": _zigzag,
}
