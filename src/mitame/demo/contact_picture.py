"""The contact sheet as one PNG, drawn with Pillow and its own font."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mitame.demo.contact_sheet import SheetAnswer, SheetRow
from mitame.demo.thumbnails import thumbnail

Rgb = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

GROUND: Rgb = (250, 249, 246)
INK: Rgb = (34, 37, 42)
QUIET: Rgb = (118, 122, 129)
LINE: Rgb = (228, 225, 218)
ACCENT: Rgb = (31, 90, 138)
SOFT_ACCENT: Rgb = (138, 173, 203)

MARGIN = 72
QUERY_SIDE = 200
TILE_SIDE = 176
GAP = 24
DIVIDE = 64  # between the query and its answers
RADIUS = 18
CAPTION_GAP = 14
ROW_SPACE = 46
HEAD_HEIGHT = 146
ROW_HEIGHT = QUERY_SIDE + 40
_SMOOTH = 4
_MAX_ROWS = 60
_MAX_ANSWERS = 12
_MAX_LABEL = 200  # characters; more never fit on a line
_DOTS = {"same": ACCENT, "similar": SOFT_ACCENT}


@dataclass(frozen=True)
class _Edge:
    """A tile's size and the line around it, in pixels."""

    side: int
    width: int
    colour: Rgb


QUERY_EDGE = _Edge(QUERY_SIDE, 3, ACCENT)
ANSWER_EDGE = _Edge(TILE_SIDE, 1, LINE)


def picture_of(rows: Sequence[SheetRow], title: str) -> bytes:
    """The sheet as PNG; at most 60 rows of 12 answers, the rest is left to the page."""
    shown = rows[:_MAX_ROWS]
    columns = min(_MAX_ANSWERS, max((len(row.answers) for row in shown), default=0))
    width = 2 * MARGIN + QUERY_SIDE + DIVIDE + max(columns, 3) * (TILE_SIDE + GAP) - GAP
    height = 2 * MARGIN + HEAD_HEIGHT + len(shown) * (ROW_HEIGHT + ROW_SPACE) - ROW_SPACE
    sheet = Image.new("RGB", (width, max(height, 2 * MARGIN + HEAD_HEIGHT)), GROUND)
    pen = ImageDraw.Draw(sheet)
    _head(pen, title, width)
    for number, row in enumerate(shown):
        top = MARGIN + HEAD_HEIGHT + number * (ROW_HEIGHT + ROW_SPACE)
        _row(sheet, pen, row, top)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _head(pen: ImageDraw.ImageDraw, title: str, width: int) -> None:
    room = width - 2 * MARGIN
    pen.text((MARGIN, MARGIN - 8), _cut(title, _font(40), room), INK, _font(40))
    answers_at = MARGIN + QUERY_SIDE + DIVIDE
    pen.text((MARGIN, MARGIN + 78), "query", QUIET, _font(19))
    pen.text((answers_at, MARGIN + 78), "looks most like it", QUIET, _font(19))
    pen.line((MARGIN, MARGIN + 112, width - MARGIN, MARGIN + 112), LINE, 1)


def _row(sheet: Image.Image, pen: ImageDraw.ImageDraw, row: SheetRow, top: int) -> None:
    _tile(sheet, row.query, (MARGIN, top), QUERY_EDGE)
    label = _cut(row.query_label, _font(20), QUERY_SIDE)
    pen.text((MARGIN, top + QUERY_SIDE + CAPTION_GAP), label, INK, _font(20))
    left = MARGIN + QUERY_SIDE + DIVIDE
    if not row.answers:
        pen.text((left, top + QUERY_SIDE // 2), "nothing looks like it", QUIET, _font(20))
    for answer in row.answers[:_MAX_ANSWERS]:
        _answer(sheet, pen, answer, (left, top))
        left += TILE_SIDE + GAP


def _answer(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, answer: SheetAnswer, corner: tuple[int, int]
) -> None:
    left, top = corner
    _tile(sheet, answer.path, corner, ANSWER_EDGE)
    below = top + TILE_SIDE + CAPTION_GAP - 2
    pen.text((left, below), _cut(answer.label, _font(18), TILE_SIDE), INK, _font(18))
    score = f"{answer.score:.2f}"
    pen.text((left, below + 27), score, QUIET, _font(17))
    dot = left + round(pen.textlength(score, _font(17))) + 12
    _dot(sheet, (dot, below + 32), _DOTS.get(answer.match))
    word = _cut(answer.match, _font(17), TILE_SIDE - (dot + 18 - left))
    pen.text((dot + 18, below + 27), word, QUIET, _font(17))


def _tile(sheet: Image.Image, path: Path, corner: tuple[int, int], edge: _Edge) -> None:
    """A picture on a white card with round corners and an edge."""
    side, border = edge.side, edge.width
    inner = side - 2 * border
    card = Image.new("RGB", (side, side), edge.colour)
    content = thumbnail(path, inner) or _blank(inner)
    card.paste(content, (border, border), _rounded(inner, RADIUS - border))
    sheet.paste(card, corner, _rounded(side, RADIUS))


def _blank(side: int) -> Image.Image:
    blank = Image.new("RGB", (side, side), (243, 241, 236))
    pen = ImageDraw.Draw(blank)
    pen.text((side / 2, side / 2), "no picture", QUIET, _font(17), anchor="mm")
    return blank


def _dot(sheet: Image.Image, corner: tuple[int, int], colour: Rgb | None) -> None:
    """A filled dot; a ring where no colour is given."""
    side = 11
    sheet.paste(colour or SOFT_ACCENT, (*corner, corner[0] + side, corner[1] + side), _disc(side))
    if colour is None:
        inner = (corner[0] + 2, corner[1] + 2, corner[0] + side - 2, corner[1] + side - 2)
        sheet.paste(GROUND, inner, _disc(side - 4))


@lru_cache(maxsize=8)
def _disc(side: int) -> Image.Image:
    return _rounded(side, side / 2)


@lru_cache(maxsize=16)
def _rounded(side: int, radius: float) -> Image.Image:
    """A square with round corners as a mask, smooth at its edge."""
    large = Image.new("L", (side * _SMOOTH, side * _SMOOTH))
    edge = side * _SMOOTH - 1
    ImageDraw.Draw(large).rounded_rectangle((0, 0, edge, edge), radius * _SMOOTH, fill=255)
    return large.resize((side, side), Image.Resampling.LANCZOS)


@lru_cache(maxsize=8)
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _cut(text: str, font: Font, room: float) -> str:
    """The text on one line, with an ellipsis where it is wider than `room` pixels."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:_MAX_LABEL]).split())
    if font.getlength(line) <= room:
        return line
    while line and font.getlength(line + "…") > room:
        line = line[:-1]
    return line.rstrip(" -") + "…"
