"""Plain files of the system: opened without following links, written wholly, synced for real."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mitame.errors import StorageError, UsageError
from mitame.storage.failures import translated
from mitame.storage.protocol import Buffer

# A link in a collection would lead out of it; a pipe would hang whoever opens it.
_FLAGS = (
    getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
_NO_DIRECTORY_SYNC = (errno.EINVAL, errno.ENOTSUP)


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a regular file; the caller closes it.

    Raises:
        OSError: the system's, and with ELOOP where it is a link, a device or a pipe.
    """
    descriptor = os.open(path, flags | _FLAGS, 0o666)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            code = errno.EISDIR if stat.S_ISDIR(mode) else errno.ELOOP
            raise OSError(code, os.strerror(code), str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def sync_file(descriptor: int) -> None:
    """Wait until a file's bytes, and what it takes to find them, are on the disk.

    On macOS fsync leaves them in the disk's own cache; F_FULLFSYNC does not (fsync(2) there).
    """
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:  # a file system without it, such as one over the network
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(descriptor)
    else:
        getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk, where the system can do that."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def map_file(path: Path) -> memoryview:
    """A file mapped read-only; it lives as long as the view or anything made from it."""
    descriptor = open_file(path, os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_size == 0:
            return memoryview(b"")  # nothing can't be mapped
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)


def bytes_of(data: Buffer) -> memoryview:
    """The bytes of anything that can be written, copied only where it is not contiguous."""
    view = memoryview(data.data if isinstance(data, np.ndarray) else data)
    if not view.nbytes:
        return memoryview(b"")
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def write_all(descriptor: int, data: memoryview) -> None:
    """Write where the file stands; the system may take less than all at a time."""
    while data:
        data = data[os.write(descriptor, data) :]


def write_all_at(descriptor: int, offset: int, data: memoryview) -> None:
    """Write at a place."""
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        write_all(descriptor, data)
        return
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


class OpenFile:
    """What `Output` and `Region` have in common: a descriptor that is synced and closed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._sync_failed = False

    def _opened(self) -> int:
        if self._descriptor < 0:
            raise UsageError(f"{self._path} is closed already")
        return self._descriptor

    def sync(self) -> None:
        """Wait until all bytes are on the disk.

        After a failed sync the system may have dropped the bytes and forgotten the failure, so
        that the next sync would succeed (Rebello et al., "Can Applications Recover from fsync
        Failures?", USENIX ATC 2020). Hence it is remembered here.
        """
        descriptor = self._opened()
        if self._sync_failed:
            raise StorageError(f"{self._path}: an earlier sync has failed", remedy="write it again")
        self._sync_failed = True
        with translated(self._path):
            sync_file(descriptor)
        self._sync_failed = False

    def fail_sync(self) -> None:
        """From now on no sync succeeds, as after one that failed."""
        self._sync_failed = True

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with translated(self._path):
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class LocalOutput(OpenFile):
    """A new file on the disk."""

    def write(self, data: Buffer) -> None:
        """Append all of the data."""
        descriptor = self._opened()
        with translated(self._path):
            write_all(descriptor, bytes_of(data))


class LocalRegion(OpenFile):
    """A file on the disk that is written at places."""

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of the data from an offset in bytes on."""
        descriptor = self._opened()
        if offset < 0:
            raise UsageError(f"{self._path}: there is no offset {offset}")
        with translated(self._path):
            write_all_at(descriptor, offset, bytes_of(data))
