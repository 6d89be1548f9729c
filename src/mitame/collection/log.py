"""The log of a lens: every vector that was ever written, as raw little-endian float32 rows.

It is cut into files of a fixed number of rows, named by the lens's key and their first row, so
that what a snapshot holds can be removed. Row numbers go on for ever. Which rows count is the
database's word: past them a file may have anything, room that was set aside, or rows that a crash
left behind, which the next write goes over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.paths import LOG
from mitame.errors import CorruptCollection
from mitame.storage import Directory, Region

ROW = np.dtype("<f4")
SEGMENT_BYTES = 64 << 20
_LEAST_ROOM = 1 << 20
"""Bytes set aside at first, so that maps of the file seldom have to be renewed."""


@dataclass(frozen=True)
class LogFile:
    """One file of a lens's log.

    Attributes:
        name: of the file.
        first: its first row.
        end: the row after the last that it may have.
        is_first: it is the one file of a collection of format 1, beside the database.
    """

    name: str
    first: int
    end: int
    is_first: bool = False


@dataclass(frozen=True)
class LogLayout:
    """Which row is in which file.

    Attributes:
        key: the lens's, in the database.
        dimension: floats per row.
        first_file: the file of format 1 that has the rows below `first_rows`, if there is one.
        first_rows: how many.
    """

    key: int
    dimension: int
    first_file: str | None = None
    first_rows: int = 0

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.dimension * ROW.itemsize

    @property
    def segment_rows(self) -> int:
        """Rows per file."""
        return max(1, SEGMENT_BYTES // self.row_bytes)

    def file_of(self, row: int) -> LogFile:
        """The file that a row belongs to."""
        if row < self.first_rows and self.first_file is not None:
            return LogFile(self.first_file, 0, self.first_rows, is_first=True)
        number = row // self.segment_rows
        first = max(number * self.segment_rows, self.first_rows)
        return LogFile(segment_name(self.key, first), first, (number + 1) * self.segment_rows)

    def files(self, start: int, stop: int) -> Iterator[tuple[LogFile, int, int]]:
        """The files of rows `start` to `stop`, each with the first and the end of those in it."""
        while start < stop:
            file = self.file_of(start)
            end = min(stop, file.end)
            yield file, start, end
            start = end


def segment_name(key: int, first: int) -> str:
    """The name of the file of a lens's log that begins with a row."""
    return f"{key}-{first:012}.f32"


def segment_of(name: str) -> tuple[int, int] | None:
    """The lens's key and the first row that a file's name says; None where it is no segment."""
    key, _, rest = name.partition("-")
    first, _, ending = rest.partition(".")
    if ending != "f32" or not key.isdecimal() or not first.isdecimal():
        return None
    return int(key), int(first)


class Log:
    """The log's files of a collection, for reading: mapped when asked for.

    Args:
        directory: the collection's.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._folder = directory.child(LOG)

    def folder_of(self, file: LogFile) -> Directory:
        """Where a file is."""
        return self._directory if file.is_first else self._folder

    def map(self, file: LogFile, layout: LogLayout, stop: int) -> NDArray[np.float32]:
        """All whole rows that a file has room for, float32[room, dimension], mapped, read-only.

        Args:
            file: which; row 0 of the answer is its first.
            layout: of the lens.
            stop: the row after the last that it must have.

        Raises:
            CorruptCollection: it is missing or too short.
        """
        folder = self.folder_of(file)
        mapped = folder.map(file.name)
        room, needed = len(mapped) // layout.row_bytes, stop - file.first
        if room < needed:
            where = file.name if folder.path is None else folder.path / file.name
            raise CorruptCollection(
                f"{where} has {room} of {needed} vectors",
                remedy="look at the whole with: mitame verify; then restore a backup",
            )
        floats = np.frombuffer(mapped, ROW, room * layout.dimension)
        return floats.reshape(room, layout.dimension)

    def blocks(self, layout: LogLayout, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
        """Rows `start` to `stop`, mapped, one block per file."""
        for file, first, end in layout.files(start, stop):
            yield self.map(file, layout, end)[first - file.first : end - file.first]


class LogWriter:
    """Writes rows at their place. Only the holder of the database's write lock may use it."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._folder = directory.child(LOG)
        self._open: dict[int, tuple[LogFile, Region, int]] = {}

    def write(
        self, layout: LogLayout, first: int, vectors: NDArray[np.float32]
    ) -> list[tuple[int, int, int]]:
        """Write float32[n, dimension] from row `first` on; they are on the disk after `sync`.

        Returns:
            For each file: the first row, how many, and the CRC-32 of their bytes.
        """
        written = []
        for file, start, stop in layout.files(first, first + len(vectors)):
            rows = np.ascontiguousarray(vectors[start - first : stop - first], ROW)
            self._write(file, layout, start - file.first, rows)
            written.append((start, stop - start, zlib.crc32(rows.data)))
        return written

    def _write(self, file: LogFile, layout: LogLayout, row: int, rows: NDArray[np.float32]) -> None:
        region, size = self._region(file, layout)
        offset = row * layout.row_bytes
        end = offset + rows.nbytes
        if end > size:
            whole = (file.end - file.first) * layout.row_bytes
            room = max(end, min(whole, max(2 * size, _LEAST_ROOM)))
            if room > end:
                region.write_at(room - 1, b"\0")
            self._open[layout.key] = (file, region, room)
        region.write_at(offset, rows)

    def _region(self, file: LogFile, layout: LogLayout) -> tuple[Region, int]:
        held = self._open.get(layout.key)
        if held is not None and held[0] == file:
            return held[1], held[2]
        if held is not None:
            held[1].sync()
            held[1].close()
        size = self._folder.size(file.name) if self._folder.exists(file.name) else 0
        region = self._folder.region(file.name)
        self._open[layout.key] = (file, region, size)
        # Also where the file is there already: whoever made it may have died before this.
        self._folder.sync()
        self._directory.sync()
        return region, size

    def sync(self, layout: LogLayout) -> None:
        """Wait until what was written of a lens is on the disk."""
        self._open[layout.key][1].sync()

    def close(self) -> None:
        """Let go of the files; a later write opens them anew."""
        held, self._open = self._open, {}
        for _, region, _ in held.values():
            region.close()
