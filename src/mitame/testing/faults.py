"""A directory in which things go wrong: power cuts, torn writes, failing calls, a full disk.

    calls = len(rehearsed.calls)      # of a run with `rehearsed = Faults()`
    for n in range(1, calls + 1):
        faulty = FaultyDirectory(fresh_folder(), Faults(cut_at=n))
        with pytest.raises(PowerCut):
            run(faulty)
        faulty.durable_copy(after)    # what the disk shows when the power is back
        check(after)

Calls that change something are counted from 1, over the whole tree of directories: create, write,
write_at, sync, replace, rename, remove, a directory's sync, and child where it makes a folder.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from mitame.errors import StorageError, UsageError
from mitame.storage.files import LocalOutput, LocalRegion, bytes_of
from mitame.storage.local import LocalDirectory
from mitame.storage.protocol import Buffer
from mitame.testing.durable import DurableFile, DurableFolder, Fate, Node, Unsynced
from mitame.testing.power import DATABASE, EVALUATIONS, Effect, Faults, Machine, PowerCut

__all__ = ["DATABASE", "Effect", "Faults", "FaultyDirectory", "PowerCut", "Unsynced"]

TRUSTED = tuple(
    f"{name}{end}" for name in (DATABASE, EVALUATIONS) for end in ("", "-wal", "-journal")
)
"""SQLite's files: they are copied as they are at the cut."""


class FaultyDirectory:
    """A folder on the disk, wrapped: works as `LocalDirectory` does until something is planned.

    Args:
        path: the folder; what is in it counts as on the disk already.
        faults: what goes wrong; nothing if left out. Shared by all directories inside.
        trusted: patterns of names that others than the storage write; see `TRUSTED`.
    """

    def __init__(
        self, path: Path, faults: Faults | None = None, *, trusted: tuple[str, ...] = TRUSTED
    ) -> None:
        self.faults = faults or Faults()
        self._machine = Machine(path, self.faults, trusted)
        self._inner = LocalDirectory(path)
        self._steps: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._inner.path

    def durable_copy(
        self,
        destination: Path,
        *,
        unsynced_bytes: Unsynced = "dropped",
        unsynced_names: Unsynced = "dropped",
        seed: int = 0,
    ) -> None:
        """Write what the disk shows when the power is back; without a cut: if it were cut now.

        The whole tree is copied, whichever of its directories is asked.

        Args:
            destination: an empty folder, or where one is to be made.
            unsynced_bytes: what becomes of writes that were not synced; ``random`` also tears them.
            unsynced_names: what becomes of creations, renames and removals that were not.
            seed: decides what ``random`` does.

        Raises:
            UsageError: there is a file that was not written through this directory.
        """
        chance = random.Random(seed)  # noqa: S311 (no secret)
        self._machine.copy_after_cut(destination, Fate(unsynced_bytes, unsynced_names, chance))

    def names(self) -> list[str]:
        """See `Directory`."""
        self._machine.check_power()
        return self._inner.names()

    def exists(self, name: str) -> bool:
        """See `Directory`."""
        self._machine.check_power()
        return self._inner.exists(name)

    def size(self, name: str) -> int:
        """See `Directory`."""
        self._machine.check_power()
        return self._inner.size(name)

    def read(self, name: str, *, limit: int) -> bytes:
        """See `Directory`."""
        self._machine.check_power()
        return self._inner.read(name, limit=limit)

    def map(self, name: str) -> memoryview:
        """See `Directory`."""
        self._machine.check_power()
        return self._inner.map(name)

    def create(self, name: str) -> FaultyOutput:
        """See `Directory`."""

        def effect() -> FaultyOutput:
            output = self._inner.create(name)
            return FaultyOutput(self._machine, self._label(name), self._added(name), output)

        return self._machine.call(f"create {self._label(name)}", effect)

    def region(self, name: str) -> FaultyRegion:
        """See `Directory`; counted as a creation where it is one."""

        def effect() -> FaultyRegion:
            region = self._inner.region(name)
            return FaultyRegion(self._machine, self._label(name), self._added(name), region)

        with self._machine.busy:
            self._machine.check_power()
            if not self._inner.exists(name):
                return self._machine.call(f"create {self._label(name)}", effect)
            self._refuse_unknown(name)
            return effect()

    def replace(self, name: str, data: bytes) -> None:
        """See `Directory`."""
        text = f"replace {self._label(name)}"

        def effect() -> None:
            self._machine.take_room(len(data), text)
            self._inner.replace(name, data)
            self._folder().change_durably(name, DurableFile(data))

        self._machine.call(text, effect)

    def rename(self, old: str, new: str) -> None:
        """See `Directory`."""

        def effect() -> None:
            self._inner.rename(old, new)
            self._refuse_unknown(old)
            folder = self._folder()
            folder.change({old: None, new: folder.now[old]})

        self._machine.call(f"rename {self._label(old)} to {new}", effect)

    def remove(self, name: str) -> None:
        """See `Directory`."""

        def effect() -> None:
            there = self._inner.exists(name)
            self._inner.remove(name)
            if there:
                self._folder().change({name: None})

        self._machine.call(f"remove {self._label(name)}", effect)

    def sync(self) -> None:
        """See `Directory`."""

        def effect() -> None:
            self._inner.sync()
            self._folder().sync()

        self._machine.call(f"sync folder {self._label()}", effect)

    def child(self, name: str, *, make: bool = True) -> FaultyDirectory:
        """See `Directory`; counted where it makes the folder."""

        def effect() -> LocalDirectory:
            inner = self._inner.child(name, make=make)
            if name not in self._folder().now:
                self._folder().change({name: DurableFolder()})
            return inner

        child = object.__new__(FaultyDirectory)
        child.faults, child._machine, child._steps = (
            self.faults,
            self._machine,
            (*self._steps, name),
        )
        with self._machine.busy:
            self._machine.check_power()
            if make and not self._inner.exists(name):
                child._inner = self._machine.call(f"make folder {self._label(name)}", effect)
            else:
                child._inner = effect()
        return child

    @contextmanager
    def lock(self, name: str, *, shared: bool = False, wait_seconds: float = 0) -> Iterator[None]:
        """See `Directory`; not counted."""
        self._machine.check_power()
        with self._inner.lock(name, shared=shared, wait_seconds=wait_seconds):
            with self._machine.busy:
                self._added(name)
            yield

    def _label(self, *more: str) -> str:
        return "/".join((*self._steps, *more)) or "."

    def _folder(self) -> DurableFolder:
        folder = self._machine.root
        for step in self._steps:
            folder = folder.folder(step)
        return folder

    def _refuse_unknown(self, name: str) -> None:
        if name not in self._folder().now:
            raise UsageError(f"{self._label(name)} was written past the storage")

    def _added(self, name: str) -> DurableFile:
        """The model of a file, which is new unless it has one."""
        folder = self._folder()
        node: Node | None = folder.now.get(name)
        if not isinstance(node, DurableFile):
            node = DurableFile()
            folder.change({name: node})
        return node


class _FaultyFile:
    """What `FaultyOutput` and `FaultyRegion` have in common."""

    def __init__(
        self, machine: Machine, label: str, model: DurableFile, file: LocalOutput | LocalRegion
    ) -> None:
        self._machine = machine
        self._label = label
        self._model = model
        self._file = file

    def sync(self) -> None:
        """Wait until all bytes are on the disk, as far as planned."""
        try:
            self._machine.call(f"sync {self._label}", self._sync)
        except StorageError:
            self._file.fail_sync()
            self._model.fail_sync()
            raise

    def _sync(self) -> None:
        self._file.sync()
        self._model.sync()

    def close(self) -> None:
        """Close the file; this goes without power, too."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class FaultyOutput(_FaultyFile):
    """A new file."""

    def __init__(self, machine: Machine, label: str, model: DurableFile, file: LocalOutput) -> None:
        super().__init__(machine, label, model, file)
        self._output = file
        self._end = 0

    def write(self, data: Buffer) -> None:
        """Append the data, as far as planned."""

        def effect(part: memoryview) -> None:
            self._output.write(part)
            self._model.write(self._end, part)
            self._end += len(part)

        self._machine.write(f"write {self._label}", bytes_of(data), effect)


class FaultyRegion(_FaultyFile):
    """A file that is written at places."""

    def __init__(self, machine: Machine, label: str, model: DurableFile, file: LocalRegion) -> None:
        super().__init__(machine, label, model, file)
        self._region = file

    def write_at(self, offset: int, data: Buffer) -> None:
        """Write the data from an offset in bytes on, as far as planned."""

        def effect(part: memoryview) -> None:
            self._region.write_at(offset, part)
            self._model.write(offset, part)

        self._machine.write(f"write {self._label}", bytes_of(data), effect)
