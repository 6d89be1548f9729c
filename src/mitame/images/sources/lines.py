"""Lines of a text file, one at a time, none longer than the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mitame.errors import InvalidManifest, UnreadableFile
from mitame.images.limits import ImageLimits
from mitame.images.sources.files import open_regular
from mitame.images.sources.names import shown


def read_lines(path: str, limits: ImageLimits) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of each line, with its end; UTF-8 with or without a BOM.

    Bytes that are no UTF-8 become lone surrogates, so that whoever reads the line can refuse it
    and go on.

    Raises:
        UnreadableFile: missing, or not a regular file.
        InvalidManifest: UTF-16, or a line with more than `limits.max_line` bytes.
    """
    with open_regular(path) as file:
        number = 0
        while line := _line(file.readline, path, limits.max_line):
            number += 1
            if number == 1:
                line = _without_mark(line, path)
            if len(line) > limits.max_line:
                raise InvalidManifest(
                    f"{shown(path)} line {number} has more than {limits.max_line:,} bytes",
                    remedy="check that it is a text file",
                )
            yield number, line.decode("utf-8", "surrogateescape")


def _line(readline: Callable[[int], bytes], path: str, longest: int) -> bytes:
    try:
        return readline(longest + 1)
    except OSError as error:
        raise UnreadableFile(f"{shown(path)} can't be read ({error.strerror})") from error


def _without_mark(line: bytes, path: str) -> bytes:
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidManifest(f"{shown(path)} is in UTF-16", remedy="save it as UTF-8")
    return line.removeprefix(b"\xef\xbb\xbf")
