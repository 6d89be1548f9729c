"""Copies of a file that hold its first picture and nothing else.

Decoders read far more than pixels: comments, profiles, frames, previews. That is where most of
their surprises are (compressed text that grows, directories without end, warnings), so what is
not needed never reaches them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mitame.errors import DamagedImage

_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


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
