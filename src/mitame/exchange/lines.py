"""Lines of a text file, of limited length, each decoded or refused by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mitame.errors import InvalidFile
from mitame.exchange.binary import unreadable

MAX_LINE = 4 << 20
"""Bytes: 65,536 numbers of 25 characters, attributes of 262,144, and room."""

_BOM = b"\xef\xbb\xbf"


def text_lines(path: Path, limit: int = MAX_LINE) -> Iterator[tuple[int, str | InvalidFile]]:
    """Lines with their numbers from 1, without their ends; empty ones are left out.

    Raises:
        UnreadableFile: the system does not let us.
    """
    try:
        with path.open("rb") as file:
            yield from _lines(file, limit)
    except OSError as error:
        raise unreadable(path.name, error) from error


def _lines(file: BinaryIO, limit: int) -> Iterator[tuple[int, str | InvalidFile]]:
    number = 0
    while data := file.readline(limit + 1):
        number += 1
        if number == 1:
            data = data.removeprefix(_BOM)
        if len(data) > limit:
            _skip_line(file, data, limit)
            yield number, InvalidFile(f"the line has more than {limit} bytes")
        elif data.rstrip(b"\r\n"):
            yield number, _decoded(data)


def _skip_line(file: BinaryIO, data: bytes, limit: int) -> None:
    while data and not data.endswith(b"\n"):
        data = file.readline(limit)


def _decoded(data: bytes) -> str | InvalidFile:
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return InvalidFile("the line is no UTF-8 text", remedy="save the file as UTF-8")
