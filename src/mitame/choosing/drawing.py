"""The plot as a PNG picture."""

from __future__ import annotations

import io

from mitame.choosing.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot, legend

_SCALE = 2
_GREY, _DARK = "#e4e4e4", "#222222"


def png(drawn: Plot) -> bytes:
    """The plot as a PNG file's content, twice as large as the SVG, so that it is sharp."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(13 * _SCALE)

    def line(*places: tuple[float, float], color: str, width: int = 1) -> None:
        pen.line([(x * _SCALE, y * _SCALE) for x, y in places], fill=color, width=width * _SCALE)

    def text(x: float, y: float, content: str, anchor: str) -> None:
        pen.text((x * _SCALE, y * _SCALE), content, fill=_DARK, font=font, anchor=anchor)

    def circle(x: float, y: float, radius: float, **style: object) -> None:
        box = [(v * _SCALE) for v in (x - radius, y - radius, x + radius, y + radius)]
        pen.ellipse(box, **style)  # type: ignore[arg-type]  # Pillow's types know no keywords from a dict

    low, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for x, content in drawn.x_ticks:
        line((x, TOP), (x, low), color=_GREY)
        text(x, low + 8, content, "ma")
    for y, content in drawn.y_ticks:
        line((LEFT, y), (right, y), color=_GREY)
        text(LEFT - 8, y, content, "rm")
    line((drawn.wished, TOP), (drawn.wished, low), color="#888888")
    for curve in drawn.curves:
        if len(curve.places) > 1:
            line(*curve.places, color=curve.color, width=1 if curve.dashed else 2)
        for x, y in curve.places:
            circle(x, y, 3, fill=curve.color)
    circle(*drawn.chosen, 9, outline="black", width=2 * _SCALE)
    for y, color, content in legend(drawn):
        circle(right + 22, y, 5, fill=color)
        text(right + 34, y, content, "lm")
    text((LEFT + right) / 2, HEIGHT - 24, "recall", "ma")
    text(8, 4, "queries per second of processor time", "la")
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
