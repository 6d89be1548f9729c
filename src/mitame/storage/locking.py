"""Locks of files, alone or shared, between processes and between threads of one.

POSIX: flock(2), which belongs to the open file, so that two descriptors of one file exclude each
other in one process, too. Windows: byte ranges, which belong to the handle in the same way; they
have no shared mode in `msvcrt`, so whoever shares takes one of `_SLOTS` bytes, and who wants the
lock alone takes all of them.
"""

from __future__ import annotations

import errno
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mitame.errors import CollectionBusy
from mitame.storage.failures import NOT_ALLOWED, translated
from mitame.storage.files import open_file

_SLOTS = 256
_PAUSES = (0.001, 0.05)
"""Shortest and longest time between two tries, in seconds."""
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int, shared: bool) -> tuple[int, int] | None:
        """Lock without waiting: the range that is held now, or None."""
        places = random.sample(range(_SLOTS), _SLOTS) if shared else [0]
        count = 1 if shared else _SLOTS
        for place in places:
            os.lseek(descriptor, place, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, count)
            except OSError as error:
                if error.errno not in _HELD:
                    raise
            else:
                return place, count
        return None

    def _free(descriptor: int, held: tuple[int, int]) -> None:
        os.lseek(descriptor, held[0], os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, held[1])

else:
    import fcntl

    def _try(descriptor: int, shared: bool) -> tuple[int, int] | None:
        """Lock without waiting: something if it is held now, or None."""
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                raise
            return None
        return 0, 0

    def _free(descriptor: int, held: tuple[int, int]) -> None:  # noqa: ARG001 (as on Windows)
        # Closing alone would not do it while a forked child has the file open, too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def file_lock(path: Path, *, shared: bool, wait_seconds: float) -> Iterator[None]:
    """Hold the lock that a file stands for; the file is made if it is missing.

    Raises:
        CollectionBusy, CorruptCollection, StorageError: as `Directory.lock`.
    """
    descriptor, held = _acquire(path, shared, wait_seconds)
    try:
        yield
    finally:
        with translated(path):
            try:
                _free(descriptor, held)
            finally:
                os.close(descriptor)


def _acquire(path: Path, shared: bool, wait_seconds: float) -> tuple[int, tuple[int, int]]:
    deadline = time.monotonic() + wait_seconds
    pause = _PAUSES[0]
    while True:
        with translated(path):
            taken = _try_path(path, shared)
        if taken is not None:
            return taken
        left = deadline - time.monotonic()
        if left <= 0:
            raise CollectionBusy(f"{path} is locked by another process or thread")
        time.sleep(min(pause, left))
        pause = min(2 * pause, _PAUSES[1])


def _try_path(path: Path, shared: bool) -> tuple[int, tuple[int, int]] | None:
    """Open and lock a file that still has its name when the lock is held.

    Between opening and locking, the file may have been removed and another made: who holds the
    lock of the first one excludes nobody.
    """
    while True:
        descriptor = _open(path, shared)
        try:
            held = _try(descriptor, shared)
            if held is not None and _is_at(path, descriptor):
                kept, descriptor = descriptor, -1
                return kept, held
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        if held is None:
            return None


def _open(path: Path, shared: bool) -> int:
    try:
        return open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        # Who only reads can pin what lies on a read-only disk.
        if not shared or error.errno not in NOT_ALLOWED:
            raise
        with suppress(FileNotFoundError):
            return open_file(path, os.O_RDONLY)
        raise


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
