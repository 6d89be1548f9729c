"""The part of `mitame.testing.directories` that is about locks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mitame.errors import CollectionBusy, CorruptCollection, MitameError
from mitame.storage.protocol import Directory

LONG = 60.0
"""Seconds that no test waits unless it fails."""


class DirectoryLockConformance:
    """Inherited by `DirectoryConformance`."""

    def directory(self) -> Directory:
        """A new, empty directory each time it is called."""
        raise NotImplementedError  # the class that inherits says which

    def test_a_lock_is_held_alone(self) -> None:
        """Nobody else gets it, shared or not, not even the same thread, until it is free."""
        directory = self.directory()
        with directory.lock("a"):
            assert not is_free(directory, "a")
            assert not is_free(directory, "a", shared=True)
            assert is_free(directory, "b")
        assert is_free(directory, "a")

    def test_a_lock_is_shared(self) -> None:
        """Any number share it; it is free for one alone when the last has let go."""
        directory = self.directory()
        with directory.lock("a", shared=True):
            with directory.lock("a", shared=True), directory.lock("a", shared=True):
                assert not is_free(directory, "a")
            assert not is_free(directory, "a")
            assert is_free(directory, "a", shared=True)
        assert is_free(directory, "a")

    def test_a_lock_is_freed_by_an_error(self) -> None:
        """Whatever ends the block."""
        directory = self.directory()
        refused(lambda: _fail_in_lock(directory), CorruptCollection)
        assert is_free(directory, "a")

    def test_handles_of_a_folder_share_its_locks(self) -> None:
        """A lock is the file's, not the handle's; the same name elsewhere is another lock."""
        directory = self.directory()
        with directory.child("a").lock("x"):
            assert not is_free(directory.child("a"), "x")
            assert is_free(directory.child("b"), "x")
            assert is_free(directory, "x")

    def test_the_file_of_a_lock_stays(self) -> None:
        """It is made, stays empty and is left there; a file's content is not touched."""
        directory = self.directory()
        with directory.lock("a", shared=True):
            pass
        assert directory.names() == ["a"]
        directory.replace("a", b"content")
        with directory.lock("a"):
            assert directory.read("a", limit=9) == b"content"

    def test_who_waits_gets_the_lock(self) -> None:
        """In another thread, as soon as it is free, alone and shared."""
        for shared in (False, True):
            directory = self.directory()
            with ThreadPoolExecutor(1) as pool:
                with directory.lock("a", shared=not shared):
                    waiting = pool.submit(is_free, directory, "a", shared=shared, wait_seconds=LONG)
                assert waiting.result()

    def test_who_waits_too_long_is_told(self) -> None:
        """CollectionBusy, and the lock is as it was."""
        directory = self.directory()
        with directory.lock("a", shared=True):
            assert not is_free(directory, "a", wait_seconds=0.02)
            assert is_free(directory, "a", shared=True)

    def test_threads_take_turns(self) -> None:
        """What is done under the lock alone is done by one at a time; sharers see no half."""
        directory, pair, seen = self.directory(), [0, 0], list[bool]()

        def write() -> None:
            for _ in range(20):
                with directory.lock("a", wait_seconds=LONG):
                    pair[0] += 1
                    threading.Event().wait(0.0001)  # lets others in, if the lock does
                    pair[1] = pair[0]

        def read() -> None:
            for _ in range(10):
                with directory.lock("a", shared=True, wait_seconds=LONG):
                    seen.append(pair[0] == pair[1])

        with ThreadPoolExecutor(5) as pool:
            jobs = [pool.submit(job) for job in (write, read, write, read, write)]
        for job in jobs:
            job.result()
        assert pair == [60, 60]
        assert seen == [True] * 20

    def test_the_lock_of_a_removed_file_is_no_lock(self) -> None:
        """Who waited for it gets the lock of the file that has the name now, or none."""
        directory = self.directory()
        with ThreadPoolExecutor(1) as pool, directory.lock("a"):
            waiting = pool.submit(is_free, directory, "a", wait_seconds=LONG)
            directory.remove("a")
            assert waiting.result()
            with directory.lock("a"):
                assert not is_free(directory, "a")

    def test_the_lock_in_a_removed_folder_is_missing(self) -> None:
        """Who waits for a pin of what is removed meanwhile does not hold it, nor makes it again."""
        directory = self.directory()
        child = directory.child("a")
        with ThreadPoolExecutor(1) as pool:
            with child.lock("pin"):
                waiting = pool.submit(is_free, child, "pin", shared=True, wait_seconds=LONG)
                directory.remove("a")
            refused(waiting.result, CorruptCollection)
        assert directory.names() == []


def is_free(
    directory: Directory, name: str, *, shared: bool = False, wait_seconds: float = 0
) -> bool:
    """Whether the lock can be had."""
    try:
        with directory.lock(name, shared=shared, wait_seconds=wait_seconds):
            return True
    except CollectionBusy:
        return False


def refused(call: Callable[[], object], error: type[MitameError]) -> None:
    """The call raises exactly this error, with a message and a remedy."""
    try:
        call()
    except MitameError as caught:
        found = caught
    else:
        raise AssertionError(f"no {error.__name__}")
    assert type(found) is error, f"{found!r} is no {error.__name__}"
    assert found.message


def _fail_in_lock(directory: Directory) -> None:
    with directory.lock("a"):
        raise CorruptCollection("as planned")
