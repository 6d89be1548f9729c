"""Whether a database in WAL mode has been written to, told from memory that processes share.

The file ``-shm`` begins with a header of which every commit makes another one, before it returns:
a counter of transactions, the number of frames, checksums (https://sqlite.org/walformat.html,
section 2.1). SQLite's readers decide by comparing it whether what they know still holds, and so
does this, without their locks and system calls. A header that is read while it is written is
another one, too: who then looks into the database finds out, and looks once more next time.

A connection to the database must be open as long as this is used: it keeps the file in place.
Closing any descriptor of the file would end the locks that SQLite holds on it in this process
(https://sqlite.org/howtocorrupt.html, section 2.2). So files are never closed here.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_HEADER = 48
_VERSION = 3_007_000
_IS_INIT = 12
"""Where in the header it says that the rest of it counts."""
_LEAST = 32_768
_MOST_OPEN = 256
"""Files, also those of databases that are gone by now."""

_open: dict[tuple[int, int], mmap.mmap] = {}
_lock = threading.Lock()


def wal_header(database: Path) -> Callable[[], bytes] | None:
    """What reads the header of a database's index.

    Args:
        database: its file; a connection to it has been read from, and stays open.

    Returns:
        None where it can't be had here: ask SQLite then.
    """
    if sys.platform == "win32":
        return None
    path = database.with_name(f"{database.name}-shm")
    try:
        mapped = _mapped(path)
    except (OSError, ValueError):
        return None
    if mapped is None:
        return None
    first = mapped[:_HEADER]
    if int.from_bytes(first[:4], sys.byteorder) != _VERSION or first[_IS_INIT] != 1:
        return None
    whole = slice(0, _HEADER)
    return lambda: mapped[whole]


def _mapped(path: Path) -> mmap.mmap | None:
    with _lock:
        found = path.stat()
        key = found.st_dev, found.st_ino
        if key in _open:
            return _open[key]
        if found.st_size < _LEAST or len(_open) >= _MOST_OPEN:
            return None
        number = os.open(path, os.O_RDONLY)  # and never closed
        _open[key] = mmap.mmap(number, _HEADER, prot=mmap.PROT_READ)
        return _open[key]
