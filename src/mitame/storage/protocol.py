"""What a directory is to a collection: files written once, durable replacement, and locks.

Two things have to be on the disk before a file survives a power cut: its bytes (`Output.sync`,
`Region.sync`) and its name (`Directory.sync` of the directory that it lies in). `replace` does
both by itself.

Names are one path component each, of ASCII characters that are allowed in file names everywhere
(see `mitame.storage.names`). Every method may raise

- UsageError: the name can't be one, or the file is closed already;
- StorageError: the system refuses: full, read-only, not permitted, a failing disk;
- CorruptCollection: what must be there is missing (the directory itself, too), or is a folder
  where a file is meant or the other way round, or a link or device.

A directory is found by its path at each call, so one that is renamed or removed is missing for
those who hold it. Directories are safe to use from several threads; an `Output` and a `Region`
belong to one thread at a time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

from numpy.typing import NDArray

Buffer: TypeAlias = bytes | bytearray | memoryview | NDArray[Any]
"""What can be written: the bytes of it, in C order for an array."""


class Output(Protocol):
    """A new file that is being written once, from its start to its end.

    As a context manager it closes itself. Closing does not sync.
    """

    def write(self, data: Buffer) -> None:
        """Append all of the data."""
        ...

    def sync(self) -> None:
        """Wait until all bytes are on the disk; once it has failed, it fails for good."""
        ...

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Region(Protocol):
    """A file that is written at places: a segment of a lens's log.

    What is mapped already shows what is written later, within the size that it had when it was
    mapped. As a context manager it closes itself. Closing does not sync.
    """

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write all of the data from an offset in bytes on; a gap before it reads as zeros."""
        ...

    def sync(self) -> None:
        """Wait until all bytes are on the disk; once it has failed, it fails for good."""
        ...

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Directory(Protocol):
    """A folder of files and folders."""

    @property
    def path(self) -> Path | None:
        """Where it is on the disk; None for one that lives in memory."""
        ...

    def names(self) -> list[str]:
        """Names of the files and folders right inside, sorted."""
        ...

    def exists(self, name: str) -> bool:
        """Whether a file or folder has this name."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a file."""
        ...

    def read(self, name: str, *, limit: int) -> bytes:
        """A whole file.

        Raises:
            CorruptCollection: it is missing or has more than `limit` bytes.
        """
        ...

    def map(self, name: str) -> memoryview:
        """A whole file as it is now, read-only, without reading it; empty for an empty one.

        It stays valid when the file is removed or replaced. (Windows refuses to remove a file
        that is mapped: StorageError.)
        """
        ...

    def create(self, name: str) -> Output:
        """A new, empty file to write.

        Raises:
            StorageError: the name is taken.
        """
        ...

    def region(self, name: str) -> Region:
        """A file to write at places; made, empty, if it is missing."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Give a file this content, made if it is missing.

        Atomic and durable: whoever reads, now or after a power cut at any instant, finds the old
        content or the new; after the return, the new one.
        """
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file or folder another name, atomically. One writer at a time may do so.

        Raises:
            StorageError: the new name is taken.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; does nothing if it is missing.

        After a power cut it is there whole or not at all, a folder too.
        """
        ...

    def sync(self) -> None:
        """Wait until creations, renames and removals right inside are on the disk."""
        ...

    def child(self, name: str, *, make: bool = True) -> Directory:
        """A folder inside.

        Args:
            name: its name.
            make: make it if it is missing.

        Raises:
            CorruptCollection: it is missing and not to be made.
        """
        ...

    def lock(
        self, name: str, *, shared: bool = False, wait_seconds: float = 0
    ) -> AbstractContextManager[None]:
        """Hold the lock of this name while in the ``with`` block.

        It excludes other processes and other threads, and the same thread a second time. The
        system frees it when the process ends, however it does. The file that stands for the lock
        is made if it is missing and stays; a lock on a file that was removed meanwhile is not
        taken for one.

        Args:
            name: name of the lock's file.
            shared: with others who share it, instead of alone.
            wait_seconds: how long to wait for those who hold it.

        Raises:
            CollectionBusy: somebody holds it, still.
        """
        ...
