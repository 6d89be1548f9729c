"""A directory in memory: the same contract as on the disk, and stricter where that finds mistakes.

Stricter: `rename` refuses what is still open for writing (Windows would) and what was written but
not synced (it would have a name for good, and perhaps no content, after a power cut).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mitame.errors import CollectionBusy, CorruptCollection, StorageError, UsageError
from mitame.storage.memory_files import (
    ALONE,
    MemoryFile,
    MemoryFolder,
    MemoryOutput,
    MemoryRegion,
    Node,
    files_of,
)
from mitame.storage.names import check_name


class MemoryDirectory:
    """A tree of files and folders in memory; `child` gives more handles on the same tree."""

    def __init__(self) -> None:
        self._root = MemoryFolder()
        self._steps: tuple[str, ...] = ()
        self._changed = threading.Condition(threading.RLock())

    def __repr__(self) -> str:
        return f"<MemoryDirectory {self._label()}>"

    @property
    def path(self) -> None:
        """It is not on the disk."""
        return None

    def names(self) -> list[str]:
        """See `Directory`."""
        with self._changed:
            return sorted(self._folder().nodes)

    def exists(self, name: str) -> bool:
        """See `Directory`."""
        check_name(name)
        with self._changed:
            try:
                return name in self._folder().nodes
            except CorruptCollection:
                return False

    def size(self, name: str) -> int:
        """See `Directory`."""
        with self._changed:
            return len(self._file(name))

    def read(self, name: str, *, limit: int) -> bytes:
        """See `Directory`."""
        with self._changed:
            file = self._file(name)
            if len(file) > limit:
                raise CorruptCollection(f"{self._label(name)} has more than {limit} bytes")
            return bytes(file.map())

    def map(self, name: str) -> memoryview:
        """See `Directory`."""
        with self._changed:
            return self._file(name).map()

    def create(self, name: str) -> MemoryOutput:
        """See `Directory`."""
        with self._changed:
            self._refuse_taken(name)
            return MemoryOutput(self._label(name), self._made(name))

    def region(self, name: str) -> MemoryRegion:
        """See `Directory`."""
        with self._changed:
            return MemoryRegion(self._label(name), self._made(name))

    def replace(self, name: str, data: bytes) -> None:
        """See `Directory`."""
        with self._changed:
            self._made(name)  # for its checks
            self._folder().nodes[name] = MemoryFile(data)

    def rename(self, old: str, new: str) -> None:
        """See `Directory`; what is open or not synced is refused with UsageError."""
        with self._changed:
            node = self._node(old)
            self._refuse_taken(new)
            for file in files_of(node):
                if file.writers or file.unsynced:
                    state = "is still open" if file.writers else "was not synced"
                    raise UsageError(
                        f"{self._label(old)}: a file that {state} can't be renamed",
                        remedy="sync and close it first",
                    )
            nodes = self._folder().nodes
            nodes[new] = nodes.pop(old)

    def remove(self, name: str) -> None:
        """See `Directory`."""
        check_name(name)
        with self._changed, suppress(CorruptCollection):
            self._folder().nodes.pop(name, None)
            self._changed.notify_all()

    def sync(self) -> None:
        """See `Directory`: there is nothing to wait for."""
        with self._changed:
            self._folder()

    def child(self, name: str, *, make: bool = True) -> MemoryDirectory:
        """See `Directory`."""
        check_name(name)
        with self._changed:
            nodes = self._folder().nodes
            if name not in nodes and make:
                nodes[name] = MemoryFolder()
            if not isinstance(self._node(name), MemoryFolder):
                raise CorruptCollection(f"{self._label(name)} is not a folder")
        child = MemoryDirectory()
        child._root, child._changed = self._root, self._changed
        child._steps = (*self._steps, name)
        return child

    @contextmanager
    def lock(self, name: str, *, shared: bool = False, wait_seconds: float = 0) -> Iterator[None]:
        """See `Directory`."""
        file = self._acquire(name, shared, wait_seconds)
        try:
            yield
        finally:
            with self._changed:
                file.holders = 0 if file.holders == ALONE else file.holders - 1
                self._changed.notify_all()

    def _acquire(self, name: str, shared: bool, wait_seconds: float) -> MemoryFile:
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            while True:
                file = self._made(name)  # anew each time: it may have been removed meanwhile
                if file.holders == 0 or (shared and file.holders != ALONE):
                    file.holders = file.holders + 1 if shared else ALONE
                    return file
                left = deadline - time.monotonic()
                if left <= 0:
                    raise CollectionBusy(f"{self._label(name)} is locked by another thread")
                self._changed.wait(left)

    def _label(self, *more: str) -> str:
        return "/".join(("memory:", *self._steps, *more))

    def _folder(self) -> MemoryFolder:
        folder = self._root
        for depth, step in enumerate(self._steps, 1):
            inside = folder.nodes.get(step)
            if not isinstance(inside, MemoryFolder):
                state = "missing" if inside is None else "a file where a folder should be"
                raise CorruptCollection(f"{'/'.join(('memory:', *self._steps[:depth]))} is {state}")
            folder = inside
        return folder

    def _node(self, name: str) -> Node:
        node = self._folder().nodes.get(check_name(name))
        if node is None:
            raise CorruptCollection(f"{self._label(name)} is missing")
        return node

    def _file(self, name: str) -> MemoryFile:
        node = self._node(name)
        if not isinstance(node, MemoryFile):
            raise CorruptCollection(f"{self._label(name)} is a folder where a file should be")
        return node

    def _made(self, name: str) -> MemoryFile:
        self._folder().nodes.setdefault(check_name(name), MemoryFile())
        return self._file(name)

    def _refuse_taken(self, name: str) -> None:
        if check_name(name) in self._folder().nodes:
            raise StorageError(
                f"{self._label(name)} exists already", remedy="remove it, or use another name"
            )
