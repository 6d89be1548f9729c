"""Reading of binary files where every offset and length is checked against the file's size."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType

from mitame.errors import InvalidFile, UnreadableFile


class BinaryFile:
    """A file that gives byte ranges, and InvalidFile for those that it does not have.

    It is read rather than mapped: a file that is cut off meanwhile must not end the process.

    Raises:
        UnreadableFile: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise unreadable(path.name, error) from error
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> BinaryFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def at(self, offset: int, length: int) -> bytes:
        """Bytes of a range that lies within the file.

        Raises:
            InvalidFile: it does not, or the file has become shorter.
        """
        self.require(offset, length)
        parts: list[bytes] = []
        left = length
        try:
            self._file.seek(offset)
            while left and (part := self._file.read(left)):
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise unreadable(self.name, error) from error
        if left:
            raise InvalidFile(f"{self.name} ends before byte {offset + length}")
        return b"".join(parts)

    def require(self, offset: int, length: int) -> None:
        """Raise InvalidFile unless the range lies within the file."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise InvalidFile(
                f"{self.name} has {self.size} bytes, too few for what its header announces"
            )


class Cursor:
    """A place in a file that moves on as little-endian fields are taken."""

    def __init__(self, file: BinaryFile, offset: int = 0) -> None:
        self.file = file
        self.offset = offset

    def take(self, fields: str) -> tuple[int | float | bytes, ...]:
        """The next fields, in the letters of `struct`, without padding."""
        layout = struct.Struct(f"<{fields}")
        data = self.file.at(self.offset, layout.size)
        self.offset += layout.size
        return layout.unpack(data)

    def integer(self, letter: str) -> int:
        """The next integer field."""
        (value,) = self.take(letter)
        return int(value)

    def skip(self, length: int) -> int:
        """Step over bytes that the file must have; where they begin."""
        self.file.require(self.offset, length)
        begin = self.offset
        self.offset += length
        return begin


def unreadable(name: str, error: OSError) -> UnreadableFile:
    """The system's refusal as an error of ours."""
    return UnreadableFile(f"{name} can't be read ({error.strerror or error})")
