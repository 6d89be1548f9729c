"""Numbers of a process in a mapped file, so that others can add them up while it counts.

The file: 8 bytes that say what it is, 8 with how many are used, then one entry after the other:
length of the series' name (u32), how many numbers (u32), the name filled up with spaces to 8
bytes, the numbers (float64). All in the machine's own order: the file never leaves it.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from bisect import bisect_left
from pathlib import Path

from mitame.serving.seeing.exposition import SECONDS

MAGIC = b"mitame1\n"
CAPACITY = 256 << 10
_START = 16
_HEADER = struct.Struct("=II")


class Counter:
    """A number that is counted up, or, for a gauge, set. Costs a fraction of a microsecond.

    Args:
        values: all numbers of the process.
        index: of its own.
        lock: that those of the process share.
    """

    __slots__ = ("_index", "_lock", "_values")

    def __init__(self, values: memoryview[float], index: int, lock: threading.Lock) -> None:
        self._values = values
        self._index = index
        self._lock = lock

    def add(self, count: float = 1) -> None:
        """So much more."""
        with self._lock:
            self._values[self._index] += count

    def set(self, value: float) -> None:
        """It is so much now."""
        self._values[self._index] = value


class Histogram:
    """Times, counted by how long they were.

    Args:
        values, index, lock: as `Counter`; its numbers are from `index` on.
    """

    __slots__ = ("_index", "_lock", "_sum", "_values")

    def __init__(self, values: memoryview[float], index: int, lock: threading.Lock) -> None:
        self._values = values
        self._index = index
        self._sum = index + len(SECONDS) + 1
        self._lock = lock

    def observe(self, seconds: float) -> None:
        """It took so long this time."""
        index = self._index + bisect_left(SECONDS, seconds)
        with self._lock:
            values = self._values
            values[index] += 1
            values[self._sum] += seconds


class Requests:
    """How many requests, how long they took, how many bytes they were answered with.

    For one thread, the event loop's: it takes no lock.

    Args:
        values: all numbers of the process.
        count, size, times: where its own are.
    """

    __slots__ = ("_count", "_size", "_sum", "_times", "_values")

    def __init__(self, values: memoryview[float], count: int, size: int, times: int) -> None:
        self._values = values
        self._count = count
        self._size = size
        self._times = times
        self._sum = times + len(SECONDS) + 1

    def observe(self, seconds: float, size: int) -> None:
        """One more."""
        values = self._values
        values[self._count] += 1
        values[self._size] += size
        values[self._times + bisect_left(SECONDS, seconds)] += 1
        values[self._sum] += seconds


class CountersFile:
    """The file of one process. Safe from several threads.

    Where it can't be made, on a full disk, the process counts for itself alone: a server that
    can't be measured still answers.

    Args:
        path: of the file, which does not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self._map = _mapped(path)
        self.values = memoryview(self._map).cast("d")
        self._used = _START
        self._where: dict[str, int] = {}
        self._spare = memoryview(bytearray(8 * (len(SECONDS) + 2))).cast("d")

    def place(self, key: str, slots: int) -> tuple[memoryview[float], int]:
        """Where the numbers of a series are; nowhere that is read, once the file is full."""
        with self.lock:
            found = self._where.get(key)
            if found is not None:
                return self.values, found
            name = key.encode()
            name += b" " * (-len(name) % 8)
            end = self._used + _HEADER.size + len(name) + 8 * slots
            if end > CAPACITY:
                return self._spare, 0
            self._map[self._used : self._used + _HEADER.size] = _HEADER.pack(len(name), slots)
            start = self._used + _HEADER.size
            self._map[start : start + len(name)] = name
            self._where[key] = index = (start + len(name)) // 8
            self._used = end
            # Said last: whoever reads meanwhile sees whole entries only.
            self._map[8:_START] = end.to_bytes(8, "little")
            return self.values, index


def _mapped(path: Path) -> mmap.mmap:
    """A file of the capacity, its blocks taken: a write to a mapped hole on a full disk kills."""
    try:
        with path.open("x+b") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, CAPACITY)
            else:
                file.write(bytes(CAPACITY))
                file.flush()
            made = mmap.mmap(file.fileno(), CAPACITY)
    except OSError:
        made = mmap.mmap(-1, CAPACITY)
    made[:_START] = MAGIC + _START.to_bytes(8, "little")
    return made


def read_counters(data: bytes) -> dict[str, list[float]]:
    """The numbers in a file's bytes by series; none in one that is something else."""
    found: dict[str, list[float]] = {}
    if data[:8] != MAGIC:
        return found
    at, end = _START, min(len(data), int.from_bytes(data[8:_START], "little"))
    while at + _HEADER.size <= end:
        length, slots = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        after = at + length + 8 * slots
        if after > end:
            break
        key = data[at : at + length].decode(errors="replace").rstrip()
        found[key] = list(struct.unpack_from(f"={slots}d", data, at + length))
        at = after
    return found


def write_counters(values: dict[str, list[float]]) -> bytes:
    """The bytes of a file that holds these numbers."""
    entries = []
    for key, numbers in values.items():
        name = key.encode()
        name += b" " * (-len(name) % 8)
        header = _HEADER.pack(len(name), len(numbers))
        entries.append(header + name + struct.pack(f"={len(numbers)}d", *numbers))
    body = b"".join(entries)
    return MAGIC + (_START + len(body)).to_bytes(8, "little") + body
