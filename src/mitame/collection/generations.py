"""The snapshots of a collection: which there are, which is served, and pins that keep them.

A process that serves a generation, or asks another one, holds a shared lock on that generation's
pin; whoever wants to remove the generation needs the lock alone. Generation 0 is the collection
without a snapshot; it has a pin too, as the whole log must stay while somebody serves it.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from mitame.collection.log import Log
from mitame.collection.memory import SharedMemory
from mitame.collection.paths import SNAPSHOTS
from mitame.collection.pause import Pause
from mitame.collection.root import generation_of, read_root
from mitame.collection.served import Served
from mitame.collection.snapshot import Snapshot
from mitame.errors import CollectionBusy, CorruptCollection, GenerationNotFound, MitameError
from mitame.storage import Directory

_NUMBER = re.compile(r"[0-9]{6}")
_REMEDY = "check it with: mitame verify; an older generation is served with: mitame rollback"
_TRIES = 100
_PIN_SECONDS = 10.0
"""How long to wait for somebody who is just removing a generation."""
MAX_OTHERS = 2
"""Generations beside the served one that stay open: as many as are compared with each other."""
OTHERS_SECONDS = 10.0
"""How long they stay open when nobody asks them."""


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


class Generations:
    """The snapshots of one collection, and the one that this process serves. Thread-safe.

    Others are opened when somebody asks them by number. The last few stay open for a while, and
    are let go of where another one is served, before a merge removes what is not needed any
    more, and after some seconds in which nobody has asked them.

    Args:
        directory: the collection's.
        log: of it.
        others_seconds: how long the others stay open.
    """

    def __init__(
        self, directory: Directory, log: Log, *, others_seconds: float = OTHERS_SECONDS
    ) -> None:
        self._directory = directory
        self._log = log
        self._folder = directory.child(SNAPSHOTS)
        self._lock = threading.Lock()
        self._root: bytes | None = None
        self._served: Served | None = None
        self._others: OrderedDict[int, Served] = OrderedDict()
        self._pause = Pause(others_seconds, self.let_go_of_others)

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

    def acquire_one(self, number: int) -> Served:
        """A generation by its number, pinned until it is released, whichever one is served.

        Raises:
            GenerationNotFound: there is none, or it is being removed.
            CorruptCollection, NewerFormat, StorageError: it can't be opened.
        """
        with self._lock:
            found = self._served
            if found is None or found.generation != number:
                found = self._others.pop(number, None) or self._pinned(number)
                self._others[number] = found  # the one that was asked last stands last
                self._let_go(MAX_OTHERS)
                self._pause.begin()
            found.users += 1
            return found

    def let_go_of_others(self) -> None:
        """Keep none open but the one that is served, and those that somebody holds just now."""
        with self._lock:
            self._let_go(0)

    def keep(self, served: Served) -> None:
        """Pin once more what somebody has acquired; to be released as often."""
        with self._lock:
            served.users += 1

    def release(self, served: Served) -> None:
        """Give back what `acquire` or `acquire_one` gave."""
        with self._lock:
            served.users -= 1
            if not served.users and not served.stays:
                served.unpin()

    def move_on(self) -> None:
        """Serve what is served now and keep no other, so that none is kept for nobody."""
        self.release(self.acquire())
        self.let_go_of_others()

    def close(self) -> None:
        """Let go of the pins that no view holds; the others go with their views."""
        self._pause.end()
        with self._lock:
            self._let_go(0)
            served, self._served = self._served, None
            if served is not None:
                served.leave()

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
                self._replace(Served(number, snapshot, memory, 0, True, pin.pop_all()), content)
                return
        raise CollectionBusy("the served generation changes faster than it can be opened")

    def _replace(self, served: Served, content: bytes) -> None:
        old, self._served, self._root = self._served, served, content
        self._let_go(0)
        if old is not None:
            old.leave()

    def _pinned(self, number: int) -> Served:
        """A generation, opened and pinned; one that is removed just now is gone already."""
        if number not in self.numbers():
            raise self._gone(number)
        with ExitStack() as pin:
            try:
                pin.enter_context(self.pin(number))
            except CollectionBusy:
                raise self._gone(number) from None
            if number not in self.numbers():
                raise self._gone(number)
            snapshot = self.open(number)
            return Served(
                number, snapshot, SharedMemory(snapshot, self._log), 0, True, pin.pop_all()
            )

    def _gone(self, number: int) -> GenerationNotFound:
        known = ", ".join(map(str, self.numbers()))
        remedy = f"ask one of those that are kept: {known}" if known else "make one: mitame merge"
        return GenerationNotFound(f"there is no generation {number}", remedy=remedy)

    def _let_go(self, most: int) -> None:
        while len(self._others) > most:
            _, oldest = self._others.popitem(last=False)
            oldest.leave()

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
