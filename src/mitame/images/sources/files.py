"""Reading files that may be anything: never one that blocks, never more than the limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mitame.errors import InvalidId, UnreadableFile
from mitame.images.candidate import Candidate, Refused
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources.names import check_name, shown, storable

# a fifo or device that takes the file's place after it was looked at must not block us
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


_MORE = 1 << 16
"""Bytes to ask for at least, once a file has more than the system said."""


def regular(path: str) -> os.stat_result:
    """What the system says of a regular file, or of what a link to one leads to.

    Raises:
        UnreadableFile: missing, not allowed, or a folder, fifo, socket or device.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - Path costs ten times the call, for every file
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    _require_regular(path, found)
    return found


def open_regular(path: str) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        UnreadableFile: as for `regular`.
    """
    return os.fdopen(_open(path)[0], "rb")


def read_file(path: str | Path, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """All bytes of a picture's file.

    Raises:
        UnreadableFile: as for `regular`.
        ImageTooLarge: more than `limits.max_bytes`; no more than that is read.
    """
    path = os.fspath(path)
    descriptor, size = _open(path)
    try:
        limits.check_bytes(size)
        data = _read(descriptor, size, limits.max_bytes + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(descriptor)
    limits.check_bytes(len(data))
    return data


def _open(path: str) -> tuple[int, int]:
    """A regular file's descriptor, to be closed by the caller, and the file's size in bytes."""
    regular(path)
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        found = os.fstat(descriptor)
        _require_regular(path, found)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found.st_size


def _read(descriptor: int, size: int, most: int) -> bytes:
    """What there is, at most `most` bytes; a file may grow or shrink while it is read.

    Asking for the size and one byte more keeps the system from preparing memory for `most`.
    """
    parts: list[bytes] = []
    step = size + 1
    while most > 0 and (part := os.read(descriptor, min(step, most))):
        parts.append(part)
        most -= len(part)
        step = max(step, _MORE)
    return b"".join(parts)  # of one part: that part itself


def file_candidate(
    path: str, name: str, limits: ImageLimits, *, category: str | None = None
) -> Candidate | Refused:
    """A picture's file on offer under the id `name`; refused if it can't be read or named."""
    try:
        check_name(name)
        if storable(path) != path:
            raise InvalidId("the folder's name is not valid UTF-8", remedy="rename the folder")
        found = regular(path)
    except (UnreadableFile, InvalidId) as error:
        return Refused(storable(path), error)
    return Candidate(
        id=name,
        location=path,
        read=partial(read_file, path, limits),
        size=found.st_size,
        modified_ns=found.st_mtime_ns,
        category=category,
    )


def _require_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "no regular file")
        raise UnreadableFile(f"{shown(path)} is {kind}", remedy="give a regular file")


_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _unreadable(path: str, error: Exception) -> UnreadableFile:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnreadableFile(f"{shown(path)} can't be read ({reason})")


def absolute(path: str | Path) -> str:
    """The path from the root of the file system; links in it stay as they are."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
