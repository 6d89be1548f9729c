"""Outlines in the unit square, from which the drawn catalogue's shapes are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
Vary: TypeAlias = Callable[[float, float], float]
"""Gives a number between two bounds; what makes two mugs differ."""

Paint: TypeAlias = Literal["body", "plain", "deep", "pale", "wood", "metal", "dark", "paper"]
Light: TypeAlias = Literal["across", "down", "round", "flat"]

CURVE_STEPS = 8
CAP_STEPS = 6


@dataclass(frozen=True)
class Part:
    """One filled outline of a shape.

    Attributes:
        outline: float64[n, 2], x to the right and y down, in a unit square; closed.
        paint: ``body`` carries colour and pattern, ``plain``, ``deep`` and ``pale`` are tones of
            the colour, the others are materials of their own.
        light: how it is lit: from the side, from above, like a ball, or not at all.
        opacity: from 0 to 1.
    """

    outline: Points
    paint: Paint = "body"
    light: Light = "across"
    opacity: float = 1.0


def polygon(*corners: tuple[float, float]) -> Points:
    """Straight lines between the corners."""
    return np.array(corners, np.float64)


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float,
    arc: tuple[float, float] = (0, 360),
    *,
    steps: int = 48,
) -> Points:
    """Points around (x, y); `arc` is from and to in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(*arc, steps))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def ring(x: float, y: float, rx: float, ry: float, width: float) -> Points:
    """The band between an ellipse and a smaller one inside; filled by the even-odd rule."""
    # Both arcs begin on the left, where a handle on the right has its seam behind the body.
    outer = ellipse(x, y, rx, ry, (180, 540))
    return np.concatenate([outer, ellipse(x, y, rx - width, ry - width, (540, 180))])


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Points:
    """A rectangle with rounded corners."""
    if radius <= 0:
        return polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    r = radius
    centres = [(x1 - r, y1 - r), (x0 + r, y1 - r), (x0 + r, y0 + r), (x1 - r, y0 + r)]
    arcs = [
        ellipse(x, y, r, r, (90 * i, 90 * i + 90), steps=CURVE_STEPS)
        for i, (x, y) in enumerate(centres)
    ]
    return np.concatenate(arcs)


def drum(
    top: float, bottom: float, upper: float, lower: float, depth: float, *, x: float = 0.5
) -> Points:
    """A round body seen a little from above: half widths at top and bottom, `depth` of the arcs."""
    base = ellipse(x, bottom, lower, depth, (0, 180), steps=24)
    mouth = ellipse(x, top, upper, depth, (180, 360), steps=24)
    return np.concatenate([base, mouth])


def curve(*knots: tuple[float, float]) -> Points:
    """A smooth closed line through the knots (uniform Catmull-Rom spline)."""
    return _spline(np.array([knots[-1], *knots, knots[0], knots[1]], np.float64))


def path(*knots: tuple[float, float]) -> Points:
    """A smooth open line through the knots (uniform Catmull-Rom spline)."""
    through = _spline(np.array([knots[0], *knots, knots[-1]], np.float64))
    return np.concatenate([through, [knots[-1]]])


def turned(*profile: tuple[float, float], x: float = 0.5) -> Points:
    """A body of revolution: (half width, y) from top to bottom, mirrored around `x`."""
    half = path(*profile)
    right = np.stack([x + half[:, 0], half[:, 1]], axis=1)
    left = np.stack([x - half[:, 0], half[:, 1]], axis=1)
    return np.concatenate([right, left[::-1]])


def stroke(line: Points, width: float, end_width: float | None = None) -> Points:
    """A line with a thickness and round ends; it may taper to `end_width`."""
    tangents = np.gradient(line, axis=0)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    half = np.linspace(width, width if end_width is None else end_width, len(line))[:, None] / 2
    sideways = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1) * half
    end = _cap(line[-1], sideways[-1])
    start = _cap(line[0], -sideways[0])
    return np.concatenate([line + sideways, end, (line - sideways)[::-1], start])


def mirrored(outline: Points, x: float = 0.5) -> Points:
    """The outline reflected in the upright line at `x`."""
    return np.stack([2 * x - outline[:, 0], outline[:, 1]], axis=1)


def _cap(centre: Points, side: Points) -> Points:
    """Half a circle from centre + side to centre - side, around the end of a stroke."""
    forward = np.array([side[1], -side[0]])
    angles = np.linspace(0, np.pi, CAP_STEPS)[:, None]
    around: Points = centre + np.cos(angles) * side + np.sin(angles) * forward
    return around


def _spline(knots: Points) -> Points:
    """Points from the second knot up to the last but one, that one left out."""
    t = np.linspace(0, 1, CURVE_STEPS, endpoint=False)[None, :, None]
    a, b, c, d = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    cubic = (3 * b - a - 3 * c + d) * t**3 + (2 * a - 5 * b + 4 * c - d) * t**2
    return (0.5 * (cubic + (c - a) * t) + b).reshape(-1, 2)
