"""A TIFF's first picture without all else that a TIFF can hold.

As in `mitame.images.plain`, what is not needed never reaches the decoder: other directories,
metadata, profiles, and fields that lie outside the file.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mitame.errors import DamagedImage, UnsupportedImage

_Order: TypeAlias = Literal["<", ">"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_SAMPLES, _TILE_WIDTH, _TILE_HEIGHT, _SUBFILE = 277, 322, 323, 254
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325
_SUBDIRECTORIES, _DNG_VERSION = 330, 50706
_SINGLE = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323})
_LISTS = frozenset({258, 273, 279, 292, 293, 320, 324, 325, 338, 339, 347, 529, 530, 531, 532})

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_WHOLE = {3: "H", 4: "I"}
_RAW = 1
_YCBCR = 6
# CCITT, LZW, JPEG, deflate and PackBits; LZMA, Zstandard and others are left out as rare
_READ = frozenset({_RAW, 2, 3, 4, 5, 7, 8, 32773, 32946})
_MOST_PIECES = 100_000


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
    """One entry of a directory; `raw` is its twelve bytes."""

    tag: int
    kind: int
    count: int
    value: int
    raw: bytes

    @property
    def size(self) -> int:
        """Bytes of the values; up to four stand in the entry itself."""
        return _BYTES.get(self.kind, 0) * self.count


_Fields: TypeAlias = dict[int, _Field]


def plain_tiff(data: bytes) -> PlainTiff:
    """The first directory with only the fields that decide the pixels (TIFF 6.0, section 2).

    The new directory is put behind the old bytes, so that offsets stay right.

    Raises:
        DamagedImage: cut off, or a field that can't be.
        UnsupportedImage: a camera's raw picture, a rare compression, or too many pieces.
    """
    order: _Order = "<" if data[:2] == b"II" else ">"
    fields = _read_fields(data, order)
    _refuse_unsupported(fields)
    kept = [fields[tag] for tag in sorted(fields) if tag in _SINGLE | _LISTS]
    for field in kept:
        _check_field(field, len(data))
    _check_pieces(data, order, fields)
    turned = _value(fields, _ORIENTATION, 1)
    return PlainTiff(
        data=_with_directory(data, order, [field.raw for field in kept]),
        width=_value(fields, _WIDTH, 0),
        height=_value(fields, _HEIGHT, 0),
        orientation=turned if 1 <= turned <= 8 else 1,
        white_is_zero=_value(fields, _PHOTOMETRIC, 0) == 0,
        tile_width=_value(fields, _TILE_WIDTH, 1),
        tile_height=_value(fields, _TILE_HEIGHT, 1),
    )


def _read_fields(data: bytes, order: _Order) -> _Fields:
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, start)
        places = range(start + 2, start + 2 + 12 * entries, 12)
        found = [_read_field(data, order, place) for place in places]
    except struct.error as error:
        raise DamagedImage("the TIFF is cut off in its directory") from error
    return {field.tag: field for field in reversed(found)}


def _read_field(data: bytes, order: _Order, place: int) -> _Field:
    tag, kind, count, value = struct.unpack_from(order + "HHII", data, place)
    if kind == 3 and count == 1:
        (value,) = struct.unpack_from(order + "H", data, place + 8)
    return _Field(tag, kind, count, value, data[place : place + 12])


def _with_directory(data: bytes, order: _Order, entries: list[bytes]) -> bytes:
    padding = b"\x00" * (len(data) % 2)
    start = struct.pack(order + "I", len(data) + len(padding))
    count = struct.pack(order + "H", len(entries))
    return b"".join((data[:4], start, data[8:], padding, count, *entries, b"\x00" * 4))


def _refuse_unsupported(fields: _Fields) -> None:
    preview = _value(fields, _SUBFILE, 0) & 1 and _SUBDIRECTORIES in fields
    if preview or _DNG_VERSION in fields:
        raise UnsupportedImage("it is a camera's raw picture")
    method = _value(fields, _COMPRESSION, _RAW)
    if method not in _READ:
        raise UnsupportedImage(f"it is a TIFF compressed by method {method}")
    for tag in (_STRIPS, _TILES):
        if tag in fields and fields[tag].count > _MOST_PIECES:
            raise UnsupportedImage(f"it is a TIFF in {fields[tag].count:,} pieces")


def _check_field(field: _Field, length: int) -> None:
    if field.kind not in _BYTES or (field.tag in _SINGLE and field.count != 1):
        raise DamagedImage(f"the TIFF has a field {field.tag} that can't be")
    if field.size > 4 and field.value + field.size > length:
        raise DamagedImage("the TIFF is cut off")


def _check_pieces(data: bytes, order: _Order, fields: _Fields) -> None:
    """Refuse pixels beyond the end: there, the decoder would find the new directory."""
    tags = (_TILES, _TILE_SIZES) if _TILES in fields else (_STRIPS, _STRIP_SIZES)
    if _WIDTH not in fields or _HEIGHT not in fields or not fields.keys() >= set(tags):
        raise DamagedImage("the TIFF does not say how large it is or where its pixels are")
    places, sizes = (_numbers(data, order, fields[tag]) for tag in tags)
    if len(places) != len(sizes):
        raise DamagedImage("the TIFF does not say how long each of its pieces is")
    if any(place + size > len(data) for place, size in zip(places, sizes, strict=True)):
        raise DamagedImage("the TIFF is cut off")
    if _value(fields, _COMPRESSION, _RAW) == _RAW and sum(sizes) < _raw_size(data, order, fields):
        raise DamagedImage("the TIFF has less pixels than it says")


def _raw_size(data: bytes, order: _Order, fields: _Fields) -> int:
    """Bytes that the pixels take uncompressed, at least."""
    if _value(fields, _PHOTOMETRIC, 0) == _YCBCR:
        return 0  # colour may be stored at a lower resolution
    bits = min(_numbers(data, order, fields[_BITS]), default=1) if _BITS in fields else 1
    row = math.ceil(_value(fields, _WIDTH, 0) * _value(fields, _SAMPLES, 1) * bits / 8)
    return row * _value(fields, _HEIGHT, 0)


def _numbers(data: bytes, order: _Order, field: _Field) -> tuple[int, ...]:
    if field.kind not in _WHOLE:
        raise DamagedImage(f"the TIFF has a field {field.tag} that can't be")
    layout = f"{order}{field.count}{_WHOLE[field.kind]}"
    source, place = (field.raw, 8) if field.size <= 4 else (data, field.value)
    return struct.unpack_from(layout, source, place)


def _value(fields: _Fields, tag: int, default: int) -> int:
    return fields[tag].value if tag in fields else default
