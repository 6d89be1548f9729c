"""Files and folders that live in memory, and what writes to them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias
from weakref import WeakSet

from mitame.errors import StorageError, UsageError
from mitame.storage.files import bytes_of
from mitame.storage.protocol import Buffer

ALONE = -1
"""`MemoryFile.holders` of a lock that one holds alone."""
_MOST_BYTES = 1 << 34


class MemoryFile:
    """Bytes that grow under maps of them, as those of a file do.

    Attributes:
        writers: outputs and regions that are open.
        unsynced: something was written since the last sync.
        holders: how many share its lock, or ALONE.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)
        self._mapped: list[bytearray] = []
        self._growing = threading.Lock()
        self.writers: WeakSet[MemoryWriter] = WeakSet()
        self.unsynced = False
        self.holders = 0

    def __len__(self) -> int:
        return len(self._data)

    def map(self) -> memoryview:
        """All bytes, read-only; later writes within them show."""
        with self._growing:
            return memoryview(self._data).toreadonly()

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write at a place, with zeros in a gap before it."""
        end = offset + len(data)
        if end > _MOST_BYTES:
            raise StorageError(f"memory can't hold a file of {end} bytes")
        with self._growing:
            if data and end > len(self._data):
                self._grow(end)
            for buffer in (self._data, *self._mapped):
                part = data[: max(0, len(buffer) - offset)]
                buffer[offset : offset + len(part)] = part

    def _grow(self, size: int) -> None:
        """A bytearray that is mapped can't grow: maps keep theirs, and are written to as well."""
        self._mapped = [buffer for buffer in self._mapped if _is_mapped(buffer)]
        more = bytes(size - len(self._data))
        if _is_mapped(self._data):
            self._mapped.append(self._data)
            self._data = self._data + more
        else:
            self._data += more


def _is_mapped(buffer: bytearray) -> bool:
    try:
        buffer.append(0)
    except BufferError:
        return True
    buffer.pop()
    return False


@dataclass
class MemoryFolder:
    """Files and folders by name."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def files(self) -> list[MemoryFile]:
        """All files in it and in the folders inside."""
        return [file for node in self.nodes.values() for file in files_of(node)]


Node: TypeAlias = MemoryFile | MemoryFolder


def files_of(node: Node) -> list[MemoryFile]:
    """The file itself, or all files in a folder."""
    return [node] if isinstance(node, MemoryFile) else node.files()


class MemoryWriter:
    """What `MemoryOutput` and `MemoryRegion` have in common."""

    def __init__(self, label: str, file: MemoryFile) -> None:
        self._label = label
        self._file = file
        self._closed = False
        file.writers.add(self)

    def _opened(self) -> MemoryFile:
        if self._closed:
            raise UsageError(f"{self._label} is closed already")
        return self._file

    def sync(self) -> None:
        """Nothing to wait for, but it is remembered that this was done."""
        self._opened().unsynced = False

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._closed = True
        self._file.writers.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class MemoryOutput(MemoryWriter):
    """A new file in memory."""

    def __init__(self, label: str, file: MemoryFile) -> None:
        super().__init__(label, file)
        self._end = 0

    def write(self, data: Buffer) -> None:
        """Append all of the data."""
        file, view = self._opened(), bytes_of(data)
        file.write_at(self._end, view)
        self._end += len(view)
        file.unsynced = True


class MemoryRegion(MemoryWriter):
    """A file in memory that is written at places."""

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of the data from an offset in bytes on."""
        file = self._opened()
        if offset < 0:
            raise UsageError(f"{self._label}: there is no offset {offset}")
        file.write_at(offset, bytes_of(data))
        file.unsynced = True
