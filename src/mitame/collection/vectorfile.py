"""The append-only file of a lens's vectors: raw little-endian float32, one row after another.

Which rows count is the database's word. Past them the file may have anything: room that was
set aside, or rows that a crash left behind, which the next write goes over.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mitame.errors import CorruptCollection

ROW = np.dtype("<f4")
_ROOM = (1 << 20, 1 << 26)
"""Least and most bytes set aside at once, so that maps of the file seldom have to be renewed."""


def sync(file: BinaryIO) -> None:
    """Wait until the file's bytes are on the disk."""
    if sys.platform == "darwin":
        import fcntl  # here, as not every system has it

        fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
    else:
        getattr(os, "fdatasync", os.fsync)(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class VectorWriter:
    """Writes rows at their place. Only the holder of the database's write lock may use it."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._row_bytes = dimension * ROW.itemsize
        self._file = path.open("r+b", buffering=0)

    def write(self, row: int, vectors: NDArray[np.float32]) -> None:
        """Write float32[n, dimension] from a row on and wait until they are on the disk."""
        start = row * self._row_bytes
        self._make_room(start + vectors.nbytes)
        self._file.seek(start)
        rest = memoryview(np.ascontiguousarray(vectors, ROW).data).cast("B")
        while rest:
            rest = rest[self._file.write(rest) :]
        sync(self._file)

    def _make_room(self, end: int) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if end > size:
            least, most = _ROOM
            self._file.truncate(max(end, size + min(max(size, least), most)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def map_rows(path: Path, dimension: int, rows: int) -> NDArray[np.float32]:
    """All whole rows that the file has room for, mapped, read-only: at least `rows` of them.

    Raises:
        CorruptCollection: the file is missing or too short.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise CorruptCollection(f"{path} is missing") from None
    room = size // (dimension * ROW.itemsize)
    if room < rows:
        raise CorruptCollection(f"{path} has {room} of {rows} vectors")
    if room == 0:
        return np.empty((0, dimension), np.float32)
    return np.asarray(np.memmap(path, ROW, mode="r", shape=(room, dimension)))
