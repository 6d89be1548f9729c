"""Copies of a file that hold its first picture and nothing else.

Decoders read far more than pixels: comments, profiles, frames, previews. That is where most of
their surprises are (compressed text that grows, directories without end, warnings), so what is
not needed never reaches them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mitame.errors import DamagedImage, UnsupportedImage

_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_WIDTH, _HEIGHT, _PHOTOMETRIC, _ORIENTATION = 256, 257, 262, 274
_TILE_WIDTH, _TILE_HEIGHT, _STRIPS, _TILES = 322, 323, 273, 324
_SUBFILE, _SUBDIRECTORIES, _DNG_VERSION = 254, 330, 50706
_TIFF_SINGLE = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323})
_TIFF_LISTS = frozenset(
    {258, 273, 279, 292, 293, 320, 324, 325, 338, 339, 347, 529, 530, 531, 532}
    | set(range(512, 522))
)
_MOST_STRIPS = 100_000


@dataclass(frozen=True)
class PlainPng:
    """A PNG's picture. `exif` is empty where there is none."""

    data: bytes
    width: int
    height: int
    exif: bytes


def plain_png(data: bytes) -> PlainPng:
    """The chunks that make the picture (PNG, third edition, section 11); the default one if APNG.

    Raises:
        DamagedImage: it does not start with its header.
    """
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise DamagedImage("the PNG does not start with a whole header")
    width, height = struct.unpack_from(">II", data, 16)
    kept, exif = [data[:8]], b""
    for kind, start, end in _png_chunks(data):
        if kind in _PNG_KEPT:
            kept.append(data[start:end])
        if kind == b"eXIf":
            exif = data[start + 8 : end - 4]
    return PlainPng(b"".join(kept), width, height, exif)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk; the last may be cut off."""
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position, position + 12 + length
        if kind == b"IEND":
            return
        position += 12 + length


def plain_gif(data: bytes) -> bytes:
    """Screen, colours, transparency and first frame of a GIF (GIF89a, appendix A).

    Raises:
        DamagedImage: it ends before its first frame.
    """
    if len(data) < 14:
        raise DamagedImage("the GIF is cut off before its picture")
    position = 13 + _gif_colours(data[10])
    head, control = data[:position], b""
    while (kind := data[position : position + 1]) == b"!":
        end = _gif_blocks_end(data, position + 2)
        if data[position + 1 : position + 3] == b"\xf9\x04":
            control = data[position:end]
        position = end
    if kind != b"," or position + 11 > len(data):
        raise DamagedImage("the GIF is cut off before its picture")
    return head + control + data[position:]


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks_end(data: bytes, position: int) -> int:
    while position < len(data) and (length := data[position]):
        position += length + 1
    return position + 1


@dataclass(frozen=True)
class PlainTiff:
    """A TIFF's first picture, as it is stored; `orientation` is 1 to 8."""

    data: bytes
    width: int
    height: int
    orientation: int
    white_is_zero: bool
    tile_width: int
    tile_height: int


@dataclass(frozen=True)
class _Field:
    """One entry of a TIFF directory; `raw` is its twelve bytes."""

    tag: int
    kind: int
    count: int
    value: int
    raw: bytes


def plain_tiff(data: bytes) -> PlainTiff:
    """The first directory with only the fields that decide the pixels (TIFF 6.0, section 2).

    The new directory is put behind the old bytes, so that offsets stay right.

    Raises:
        DamagedImage: cut off, or a field that can't be.
        UnsupportedImage: a camera's raw picture, or too many pieces.
    """
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    fields = _tiff_fields(data, order)
    _refuse_raw(fields)
    kept = [fields[tag] for tag in sorted(fields) if tag in _TIFF_SINGLE | _TIFF_LISTS]
    for field in kept:
        _check_field(field, len(data))
    if _WIDTH not in fields or _HEIGHT not in fields:
        raise DamagedImage("the TIFF does not say how large it is")
    directory = struct.pack(order + "H", len(kept)) + b"".join(field.raw for field in kept)
    padding = b"\x00" * (len(data) % 2)
    header = data[:4] + struct.pack(order + "I", len(data) + len(padding))
    plain = b"".join((header, data[8:], padding, directory, b"\x00" * 4))
    turned = _value(fields, _ORIENTATION, 1)
    return PlainTiff(
        plain,
        _value(fields, _WIDTH, 0),
        _value(fields, _HEIGHT, 0),
        turned if 1 <= turned <= 8 else 1,
        _value(fields, _PHOTOMETRIC, 0) == 0,
        _value(fields, _TILE_WIDTH, 1),
        _value(fields, _TILE_HEIGHT, 1),
    )


def _tiff_fields(data: bytes, order: Literal["<", ">"]) -> dict[int, _Field]:
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, start)
        places = range(start + 2, start + 2 + 12 * entries, 12)
        found = [_tiff_field(data, order, place) for place in places]
    except struct.error as error:
        raise DamagedImage("the TIFF is cut off in its directory") from error
    return {field.tag: field for field in reversed(found)}


def _tiff_field(data: bytes, order: Literal["<", ">"], place: int) -> _Field:
    tag, kind, count, value = struct.unpack_from(order + "HHII", data, place)
    if kind == 3 and count == 1:
        (value,) = struct.unpack_from(order + "H", data, place + 8)
    return _Field(tag, kind, count, value, data[place : place + 12])


def _check_field(field: _Field, length: int) -> None:
    if field.kind not in _TIFF_SIZES or (field.tag in _TIFF_SINGLE and field.count != 1):
        raise DamagedImage(f"the TIFF has a field {field.tag} that can't be")
    size = _TIFF_SIZES[field.kind] * field.count
    if size > 4 and field.value + size > length:
        raise DamagedImage("the TIFF is cut off")
    if field.tag in (_STRIPS, _TILES) and field.count > _MOST_STRIPS:
        raise UnsupportedImage(f"the TIFF is cut into {field.count:,} pieces")


def _refuse_raw(fields: dict[int, _Field]) -> None:
    preview = _value(fields, _SUBFILE, 0) & 1 and _SUBDIRECTORIES in fields
    if preview or _DNG_VERSION in fields:
        raise UnsupportedImage("it is a camera's raw picture")


def _value(fields: dict[int, _Field], tag: int, default: int) -> int:
    return fields[tag].value if tag in fields else default
