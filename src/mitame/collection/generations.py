"""The snapshots of a collection: which there are, which is served, and pins that keep them.

A process that serves a generation holds a shared lock on that generation's pin; whoever wants to
remove the generation needs the lock alone. Generation 0 is the collection without a snapshot; it
has a pin too, as the whole log must stay while somebody serves it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from mitame.collection.log import Log
from mitame.collection.memory import SharedMemory
from mitame.collection.paths import SNAPSHOTS
from mitame.collection.root import generation_of, read_root
from mitame.collection.snapshot import Snapshot
from mitame.errors import CollectionBusy, CorruptCollection, MitameError
from mitame.storage import Directory

_NUMBER = re.compile(r"[0-9]{6}")
_REMEDY = "check it with: mitame verify; an older generation is served with: mitame rollback"
_TRIES = 100
_PIN_SECONDS = 10.0
"""How long to wait for somebody who is just removing a generation."""


@dataclass(frozen=True)
class GenerationInfo:
    """A snapshot that can be served.

    Attributes:
        number: of the generation.
        position: of the journal, up to which it has everything.
        items: how many it has.
        bytes: of its files.
        created: seconds since 1970.
        served: it is the one that answers now.
        problem: why it can't be opened, where it can't; the other numbers are 0 then.
    """

    number: int
    position: int
    items: int
    bytes: int
    created: int
    served: bool
    problem: str | None = None


@dataclass
class Served:
    """A generation that this process has opened and pinned."""

    generation: int
    snapshot: Snapshot | None
    memory: SharedMemory
    users: int = 0
    _pin: ExitStack = field(default_factory=ExitStack)

    @property
    def position(self) -> int:
        """Of the journal, at which the generation was made."""
        return 0 if self.snapshot is None else self.snapshot.position

    def covered_rows(self, lens: int) -> int:
        """How many rows of a lens's log its snapshot covers, by the lens's key."""
        return covered_rows([] if self.snapshot is None else [self.snapshot], lens)

    def unpin(self) -> None:
        """Let others remove it."""
        self._pin.close()


class Generations:
    """The snapshots of one collection, and the one that this process serves. Thread-safe.

    Args:
        directory: the collection's.
        log: of it.
    """

    def __init__(self, directory: Directory, log: Log) -> None:
        self._directory = directory
        self._log = log
        self._folder = directory.child(SNAPSHOTS)
        self._lock = threading.Lock()
        self._root: bytes | None = None
        self._served: Served | None = None

    @property
    def folder(self) -> Directory:
        """Where the snapshots are."""
        return self._folder

    def numbers(self) -> list[int]:
        """All that there are, ascending."""
        return [int(name) for name in self._folder.names() if _NUMBER.fullmatch(name)]

    def served_number(self) -> int:
        """The one that is served now, 0 where there is no snapshot.

        Raises:
            CorruptCollection, NewerFormat: the manifest can't be read.
        """
        return generation_of(read_root(self._directory), self._directory)

    def open(self, number: int) -> Snapshot:
        """Open one; its pin should be held.

        Raises:
            CorruptCollection, NewerFormat, StorageError: it can't be opened.
        """
        try:
            return Snapshot.open(self.folder_of(number))
        except CorruptCollection as error:
            raise CorruptCollection(error.message, remedy=_REMEDY) from error

    def folder_of(self, number: int) -> Directory:
        """Where one is."""
        return self._folder.child(name_of(number), make=False)

    def pin(
        self, number: int, *, alone: bool = False, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Keep one from being removed, or, alone, everybody from serving it.

        Raises:
            CollectionBusy: somebody holds it otherwise.
        """
        name = pin_name(number)
        return self._folder.lock(name, shared=not alone, wait_seconds=wait_seconds)

    def acquire(self) -> Served:
        """The generation that is served now, pinned until it is released.

        Raises:
            CorruptCollection, NewerFormat, StorageError: it can't be opened.
        """
        content = read_root(self._directory)
        with self._lock:
            if self._served is None or content != self._root:
                self._follow()
            assert self._served is not None
            self._served.users += 1
            return self._served

    def keep(self, served: Served) -> None:
        """Pin once more what somebody has acquired; to be released as often."""
        with self._lock:
            served.users += 1

    def release(self, served: Served) -> None:
        """Give back what `acquire` gave."""
        with self._lock:
            served.users -= 1
            if not served.users and served is not self._served:
                served.unpin()

    def move_on(self) -> None:
        """Serve what is served now, so that an older generation is not kept for nobody."""
        self.release(self.acquire())

    def close(self) -> None:
        """Let go of the pins that no view holds; the others go with their views."""
        with self._lock:
            served, self._served = self._served, None
            if served is not None and not served.users:
                served.unpin()

    def _follow(self) -> None:
        for _ in range(_TRIES):
            content = read_root(self._directory)
            number = generation_of(content, self._directory)
            if self._served is not None and self._served.generation == number:
                self._root = content
                return
            with ExitStack() as pin:
                pin.enter_context(self.pin(number, wait_seconds=_PIN_SECONDS))
                if read_root(self._directory) != content:
                    continue  # what has been pinned may be gone already
                snapshot = self.open(number) if number else None
                memory = SharedMemory(snapshot, self._log)
                self._replace(Served(number, snapshot, memory, 0, pin.pop_all()), content)
                return
        raise CollectionBusy("the served generation changes faster than it can be opened")

    def _replace(self, served: Served, content: bytes) -> None:
        old, self._served, self._root = self._served, served, content
        if old is not None and not old.users:
            old.unpin()

    def infos(self) -> list[GenerationInfo]:
        """All that there are, by number."""
        served = self.served_number()
        return [self._info(number, number == served) for number in self.numbers()]

    def _info(self, number: int, served: bool) -> GenerationInfo:
        try:
            found = self.open(number)
        except MitameError as error:
            return GenerationInfo(number, 0, 0, 0, 0, served, error.message)
        return GenerationInfo(
            number, found.position, found.items, found.bytes, found.created, served
        )


def covered_rows(snapshots: Sequence[Snapshot], key: int) -> int:
    """Rows of a lens's log that all of the snapshots cover, by the lens's key."""
    found = [snapshot.lenses.get(key) for snapshot in snapshots]
    return min((0 if lens is None else lens.log_rows for lens in found), default=0)


def name_of(number: int) -> str:
    """The name of a generation's folder."""
    return f"{number:06}"


def pin_name(number: int) -> str:
    """The name of the file whose lock pins a generation.

    It is beside the generation's folder: a lock inside would have to be held while the folder
    goes, and would bring the folder back where somebody is late.
    """
    return f"{number:06}.pin"


def pinned_number(name: str) -> int | None:
    """The generation that a file of this name pins; None where it is no pin."""
    number, _, ending = name.partition(".")
    return int(number) if ending == "pin" and _NUMBER.fullmatch(number) else None
