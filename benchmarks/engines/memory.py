"""How much memory a process has taken, and how much the machine has left (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Megabytes (10^6 bytes) of a process.

    Attributes:
        own: anonymous and shared memory: what nobody else could use.
        mapped: pages of files that are in memory; the system may drop them.
        peak: the most that was in memory at once, both together.
    """

    own: float
    mapped: float
    peak: float


def used() -> Memory:
    """Of this process; what was freed is given back to the system first."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such call
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    fields = _kilobytes(Path("/proc/self/status"))
    own = fields.get("RssAnon", 0) + fields.get("RssShmem", 0)
    return Memory(own / 1e3, fields.get("RssFile", 0) / 1e3, fields.get("VmHWM", 0) / 1e3)


def available() -> float:
    """Megabytes that could be taken without swapping."""
    return _kilobytes(Path("/proc/meminfo")).get("MemAvailable", 0) / 1e3


def _kilobytes(file: Path) -> dict[str, float]:
    """The fields of a file of the kernel, in units of 1,000 bytes; {} on other systems."""
    if not file.is_file():
        return {}
    found = {}
    for line in file.read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            found[words[0].rstrip(":")] = int(words[1]) * 1.024
    return found
