"""A directory on the disk."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from mitame.errors import CorruptCollection
from mitame.storage.failures import translated
from mitame.storage.files import (
    LocalOutput,
    LocalRegion,
    map_file,
    open_file,
    sync_directory,
)
from mitame.storage.locking import file_lock
from mitame.storage.names import PART, check_name

_LEFTOVER_SECONDS = 3600.0
"""From this age on, a half-done thing belongs to nobody who still runs."""
_WINDOWS_TRIES = 50
"""Windows refuses to replace a file while a reader has it open; readers are quick."""


class LocalDirectory:
    """A folder of the file system, which must exist when it is used.

    Links inside are refused: they would lead out of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"LocalDirectory({str(self._path)!r})"

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def names(self) -> list[str]:
        """See `Directory`."""
        with translated(self._path):
            return sorted(name for name in os.listdir(self._path) if not name.startswith(PART))  # noqa: PTH208 (names, not paths, are wanted)

    def exists(self, name: str) -> bool:
        """See `Directory`."""
        path = self._at(name)
        with translated(path), suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()
            return True
        return False

    def size(self, name: str) -> int:
        """See `Directory`."""
        path = self._at(name)
        with translated(path):
            descriptor = open_file(path, os.O_RDONLY)
            try:
                return os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)

    def read(self, name: str, *, limit: int) -> bytes:
        """See `Directory`."""
        path = self._at(name)
        with translated(path), os.fdopen(open_file(path, os.O_RDONLY), "rb", buffering=0) as file:
            chunks, left = [], limit + 1
            while left > 0 and (chunk := file.read(min(left, 1 << 24))):
                chunks.append(chunk)
                left -= len(chunk)
        if left <= 0:
            raise CorruptCollection(f"{path} has more than {limit} bytes")
        return b"".join(chunks)

    def map(self, name: str) -> memoryview:
        """See `Directory`."""
        path = self._at(name)
        with translated(path):
            return map_file(path)

    def create(self, name: str) -> LocalOutput:
        """See `Directory`."""
        path = self._at(name)
        with translated(path):
            return LocalOutput(path, open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))

    def region(self, name: str) -> LocalRegion:
        """See `Directory`."""
        path = self._at(name)
        with translated(path):
            return LocalRegion(path, open_file(path, os.O_RDWR | os.O_CREAT))

    def replace(self, name: str, data: bytes) -> None:
        """See `Directory`: a new file beside the old, synced, then given its name."""
        path = self._at(name)
        self._remove_leftovers()
        part = self._part()
        try:
            with translated(path):
                descriptor = open_file(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with LocalOutput(path, descriptor) as output:
                output.write(data)
                output.sync()
            with translated(path):
                _replace(part, path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        self.sync()

    def rename(self, old: str, new: str) -> None:
        """See `Directory`."""
        source, target = self._at(old), self._at(new)
        with translated(source):
            source.lstat()
        with translated(target):
            if self.exists(new):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            source.rename(target)

    def remove(self, name: str) -> None:
        """See `Directory`: a folder gets another name first, so that it goes at once."""
        path = self._at(name)
        with translated(path), suppress(FileNotFoundError):
            if not stat.S_ISDIR(path.lstat().st_mode):
                path.unlink()
                return
            part = self._part()
            path.rename(part)
            sync_directory(self._path)  # else a power cut may bring it back without its files
            shutil.rmtree(part)

    def sync(self) -> None:
        """See `Directory`."""
        with translated(self._path):
            sync_directory(self._path)

    def child(self, name: str, *, make: bool = True) -> LocalDirectory:
        """See `Directory`."""
        path = self._at(name)
        with translated(path):
            if make:
                with suppress(FileExistsError):
                    path.mkdir()
            mode = path.lstat().st_mode
        if not stat.S_ISDIR(mode):
            raise CorruptCollection(f"{path} is not a folder")
        return LocalDirectory(path)

    def lock(
        self, name: str, *, shared: bool = False, wait_seconds: float = 0
    ) -> AbstractContextManager[None]:
        """See `Directory`."""
        return file_lock(self._at(name), shared=shared, wait_seconds=wait_seconds)

    def _at(self, name: str) -> Path:
        return self._path / check_name(name)

    def _part(self) -> Path:
        return self._path / f"{PART}{os.urandom(8).hex()}"

    def _remove_leftovers(self) -> None:
        """Remove what a process that was killed had half done; best effort."""
        before = time.time() - _LEFTOVER_SECONDS
        with suppress(OSError), os.scandir(self._path) as entries:
            for entry in entries:
                if (
                    not entry.name.startswith(PART)
                    or entry.stat(follow_symlinks=False).st_mtime > before
                ):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    Path(entry.path).unlink()


def _replace(part: Path, path: Path) -> None:
    for _ in range(_WINDOWS_TRIES if sys.platform == "win32" else 0):
        with suppress(PermissionError):
            part.replace(path)
            return
        time.sleep(0.02)
    part.replace(path)
