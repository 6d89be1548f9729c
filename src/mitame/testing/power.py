"""Power cuts, failing calls and full disks: the plan of what goes wrong, and its execution."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from mitame.errors import StorageError, UsageError
from mitame.storage.names import PART
from mitame.testing.durable import DurableFolder, Fate

DATABASE = "collection.sqlite3"  # as in mitame.collection.paths, which would load all of it
EVALUATIONS = "evaluations.sqlite3"
Effect: TypeAlias = Literal["none", "whole", "start", "garbage"]
_T = TypeVar("_T")


class PowerCut(BaseException):
    """The power is gone: no code runs any more. Not an Exception, so that nobody handles it."""


@dataclass
class Faults:
    """What goes wrong, and what has been called; may be changed at any time.

    Attributes:
        cut_at: at this call the power is cut; every call from then on raises PowerCut.
        effect: what the call at `cut_at` still does: nothing, all; or, if it writes, its start, or
            its start and garbage for the rest (others: nothing).
        fail_at: this call fails with StorageError. A write has written its start by then; a file
            whose sync failed never gets those bytes to the disk.
        full_after: bytes that can be written before the disk is full.
        seed: decides where a write is torn.
        watch: called before each call with its number and description.
        calls: descriptions of all calls so far.
    """

    cut_at: int | None = None
    effect: Effect = "none"
    fail_at: int | None = None
    full_after: int | None = None
    seed: int = 0
    watch: Callable[[int, str], None] | None = None
    calls: list[str] = field(default_factory=list)
    _written: int = 0

    def room(self) -> int | None:
        """Bytes that can still be written; None for any number."""
        return None if self.full_after is None else self.full_after - self._written


class Machine:
    """What a tree of faulty directories shares: the plan, and the disk as of a power cut.

    Args:
        path: the root of the tree; what is in it counts as on the disk.
        faults: the plan.
        trusted: patterns of names that others than the storage write, durably by themselves.
    """

    def __init__(self, path: Path, faults: Faults, trusted: tuple[str, ...]) -> None:
        self.faults = faults
        self.busy = threading.RLock()
        self._path = path
        self._trusted = trusted
        self.root = DurableFolder.load(path, self._not_modelled())
        self._frozen: dict[Path, bytes] | None = None

    def check_power(self) -> None:
        """Raises PowerCut after a cut."""
        if self._frozen is not None:
            raise PowerCut("the power was cut before")

    def call(self, text: str, effect: Callable[[], _T]) -> _T:
        """One counted call that does what `effect` does, or what is planned."""
        with self.busy:
            at = self._count(text)
            if at == self.faults.cut_at and self.faults.effect != "whole":
                self._cut(text)
            self._fail_if_planned(at, text)
            try:
                return effect()
            finally:
                if at == self.faults.cut_at:
                    self._cut(text)

    def write(self, text: str, data: memoryview, effect: Callable[[memoryview], None]) -> None:
        """One counted call that writes: it can be torn, or find the disk full."""
        with self.busy:
            at, room = self._count(text), self.faults.room()
            if at == self.faults.cut_at:
                effect(self._torn(at, data))
                self._cut(text)
            if at == self.faults.fail_at:
                effect(data[: len(data) // 2])
                self._fail_if_planned(at, text)
            effect(data if room is None else data[: max(0, room)])
            self.take_room(len(data), text)

    def take_room(self, size: int, text: str) -> None:
        """Count bytes that are written; StorageError where the disk is too full for them."""
        room = self.faults.room()
        self.faults._written += size
        if room is not None and room < size:
            raise StorageError(f"{text}: no space left on the disk (planned)")

    def copy_after_cut(self, destination: Path, fate: Fate) -> None:
        """See `FaultyDirectory.durable_copy`."""
        with self.busy:
            frozen = self._frozen if self._frozen is not None else self._trusted_bytes()
            self._refuse_unknown(self._path, self.root, self._not_modelled())
            destination.mkdir(exist_ok=True)
            self.root.write_after_cut(destination, fate)
            for place, content in frozen.items():
                target = destination / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def _count(self, text: str) -> int:
        self.check_power()
        self.faults.calls.append(text)
        at = len(self.faults.calls)
        if self.faults.watch is not None:
            self.faults.watch(at, text)
        return at

    def _fail_if_planned(self, at: int, text: str) -> None:
        if at == self.faults.fail_at:
            raise StorageError(f"{text}: input/output error (planned)")

    def _torn(self, at: int, data: memoryview) -> memoryview:
        chance = random.Random(f"{self.faults.seed} {at}")  # noqa: S311 (no secret)
        start = data[: chance.randrange(max(1, len(data)))]  # never all of it
        rest = chance.randbytes(len(data) - len(start))
        torn: dict[Effect, memoryview] = {
            "none": data[:0],
            "whole": data,
            "start": start,
            "garbage": memoryview(bytes(start) + rest),
        }
        return torn[self.faults.effect]

    def _cut(self, text: str) -> None:
        self._frozen = self._trusted_bytes()
        raise PowerCut(f"the power is cut at call {len(self.faults.calls)}: {text}")

    def _not_modelled(self) -> frozenset[Path]:
        return frozenset(
            path
            for path in self._path.rglob("*")
            if path.name.startswith(PART)
            or any(fnmatch(path.name, pattern) for pattern in (*self._trusted, "*.sqlite3-shm"))
        )

    def _trusted_bytes(self) -> dict[Path, bytes]:
        return {
            path.relative_to(self._path): path.read_bytes()
            for path in sorted(self._not_modelled())
            if path.is_file() and not path.name.endswith("-shm") and not path.name.startswith(PART)
        }

    def _refuse_unknown(self, path: Path, folder: DurableFolder, known: frozenset[Path]) -> None:
        """A file that came past the storage has no durability that is known here."""
        for entry in set(path.iterdir()) - known:
            node = folder.now.get(entry.name)
            if node is None:
                raise UsageError(
                    f"{entry} was written past the storage",
                    remedy="write it through the Directory, or name it in `trusted`",
                )
            if isinstance(node, DurableFolder):
                self._refuse_unknown(entry, node, known)
