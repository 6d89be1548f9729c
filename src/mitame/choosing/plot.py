"""Recall against queries per second: where everything stands in the picture. Pure.

The same geometry is drawn as SVG and as PNG.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mitame.choosing.measurement import Point, Trial

WIDTH, HEIGHT = 860, 520
LEFT, RIGHT, TOP, BOTTOM = 84, 200, 24, 56
COLORS = ("#1b6ca8", "#d1495b", "#2e8b57", "#b07d2b", "#6d4c9f", "#444444", "#0e9aa7", "#c06c84")
_SPARE = 1.25
_SEEN = 5
"""So many times the share of neighbours that may be missed is still in the picture."""


@dataclass(frozen=True)
class Curve:
    """One index.

    Attributes:
        name: of it, as people read it.
        engine: of the catalogue.
        color: ``#rrggbb``.
        dashed: it was extrapolated.
        places: x and y of each point, in pixels from the upper left.
    """

    name: str
    engine: str
    color: str
    dashed: bool
    places: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Plot:
    """What is drawn.

    Attributes:
        curves: the indexes.
        x_ticks, y_ticks: position in pixels and text.
        wished: x of the recall that was wished for.
        chosen: x and y of what was chosen.
    """

    curves: tuple[Curve, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    wished: float
    chosen: tuple[float, float]


def plot(trials: Sequence[Trial], wished: float, chosen: Point) -> Plot:
    """Places of all that was measured: x the recall, y queries per second of processor time.

    The y axis is logarithmic; the x axis shows the recalls around the wished one and above, as
    below them nobody looks, and the others would have no room.
    """
    drawn = [trial for trial in trials if trial.points]
    lowest = min([p.recall for t in drawn for p in t.points] + [wished, chosen.recall])
    x_from = max(_floor(lowest), min(_floor(1 - _SEEN * (1 - wished)), _floor(chosen.recall)))
    shown = [(trial, [p for p in trial.points if p.recall >= x_from]) for trial in drawn]
    rates = [*(p.rate for _, points in shown for p in points), chosen.rate]
    y_from, y_to = math.log10(min(rates) / _SPARE), math.log10(max(rates) * _SPARE)

    def x(recall: float) -> float:
        share = (recall - x_from) / (1 - x_from or 1)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(rate: float) -> float:
        share = (math.log10(rate) - y_from) / (y_to - y_from or 1)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    engines = list(dict.fromkeys(trial.engine for trial in drawn))
    curves = tuple(
        Curve(
            f"{trial.engine} {trial.settings_text}".strip(),
            trial.engine,
            COLORS[engines.index(trial.engine) % len(COLORS)],
            trial.extrapolated,
            tuple((x(p.recall), y(p.rate)) for p in points),
        )
        for trial, points in shown
        if points
    )
    x_ticks = tuple((x(value), f"{value:.2f}") for value in _steps(x_from, 1.0))
    y_ticks = tuple((y(10**n * m), f"{10**n * m:,g}") for n, m in _decades(y_from, y_to))
    return Plot(curves, x_ticks, y_ticks, x(wished), (x(chosen.recall), y(chosen.rate)))


def _floor(recall: float) -> float:
    """A little less, as a multiple of a twentieth."""
    return max(0.0, math.floor(recall * 20 - 0.2) / 20)


def _steps(start: float, end: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (end - start) / s <= 6 or s == 0.2)
    first = math.ceil(start / step - 1e-9)
    last = math.floor(end / step + 1e-9)
    return [round(n * step, 4) for n in range(first, last + 1)]


def _decades(low: float, high: float) -> list[tuple[int, int]]:
    marks = (1, 2, 5) if high - low < 2.5 else (1,)
    every = [(n, m) for n in range(math.floor(low), math.ceil(high) + 1) for m in marks]
    return [(n, m) for n, m in every if low <= n + math.log10(m) <= high]


def legend(drawn: Plot) -> list[tuple[float, str, str]]:
    """Height, colour and text of each engine beside the picture."""
    engines = dict.fromkeys((curve.engine, curve.color) for curve in drawn.curves)
    return [(TOP + 12 + 20 * n, color, engine) for n, (engine, color) in enumerate(engines)]


def svg(drawn: Plot, *, title: str) -> str:
    """The picture as an SVG element, with a title that screen readers say."""
    low, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg"'
        ' font-family="sans-serif" font-size="13">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for x, text in drawn.x_ticks:
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{low}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{x}" y="{low + 18}" text-anchor="middle">{text}</text>')
    for y, text in drawn.y_ticks:
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{text}</text>')
    parts.append(
        f'<line x1="{drawn.wished}" x2="{drawn.wished}" y1="{TOP}" y2="{low}" stroke="#888888"'
        ' stroke-dasharray="5 4"/>'
    )
    parts += [_svg_curve(curve) for curve in drawn.curves]
    x, y = drawn.chosen
    parts.append(f'<circle cx="{x}" cy="{y}" r="9" fill="none" stroke="#000000" stroke-width="2"/>')
    for y, color, text in legend(drawn):
        parts.append(f'<circle cx="{right + 22}" cy="{y}" r="5" fill="{color}"/>')
        parts.append(f'<text x="{right + 34}" y="{y + 4}">{html.escape(text)}</text>')
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">recall</text>'
    )
    parts.append(
        f'<text transform="translate(18 {(TOP + low) / 2}) rotate(-90)" text-anchor="middle">'
        "queries per second of processor time</text></svg>"
    )
    return "\n".join(parts)


def _svg_curve(curve: Curve) -> str:
    points = " ".join(f"{x},{y}" for x, y in curve.places)
    dash = ' stroke-dasharray="4 4"' if curve.dashed else ""
    line = (
        f'<polyline points="{points}" fill="none" stroke="{curve.color}" stroke-width="2"{dash}/>'
    )
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="3" fill="{curve.color}"/>' for x, y in curve.places
    )
    return f"<g><title>{html.escape(curve.name)}</title>{line}{dots}</g>"
