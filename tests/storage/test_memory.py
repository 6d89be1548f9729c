"""Where a directory in memory is stricter than the disk."""

from __future__ import annotations

import threading

import pytest

from mitame.errors import StorageError, UsageError
from mitame.storage import MemoryDirectory


def test_what_is_open_can_not_be_renamed() -> None:
    """Neither a file that is open for writing nor a folder with one; after closing, both can."""
    directory = MemoryDirectory()
    output, region = directory.create("a"), directory.child("b").region("c")
    for name in ("a", "b"):
        with pytest.raises(UsageError, match="is still open"):
            directory.rename(name, "x")
    output.close()
    region.close()
    directory.rename("a", "x")
    directory.rename("b", "y")
    assert directory.names() == ["x", "y"]


def test_what_is_not_synced_can_not_be_renamed() -> None:
    """A name must not become durable before the bytes, wherever in a folder they are."""
    directory = MemoryDirectory()
    with directory.child("a").child("b").create("c") as output:
        output.write(b"x")
        output.sync()
        output.write(b"y")
    with pytest.raises(UsageError, match="was not synced"):
        directory.rename("a", "x")
    with directory.child("a").child("b").region("c") as region:
        region.sync()
    directory.rename("a", "x")
    assert directory.child("x").child("b").read("c", limit=2) == b"xy"


def test_a_writer_that_was_dropped_is_closed() -> None:
    """As the file of a process that was killed."""
    directory = MemoryDirectory()
    output = directory.create("a")
    del output
    directory.rename("a", "b")
    assert directory.names() == ["b"]


def test_too_large_a_file_is_refused() -> None:
    """An offset that no memory has is StorageError, not MemoryError."""
    with MemoryDirectory().region("a") as region, pytest.raises(StorageError, match="bytes"):
        region.write_at(1 << 50, b"x")


def test_mapping_while_it_grows() -> None:
    """Threads that map a growing file see what was written before, and old maps stay right."""
    directory, stop = MemoryDirectory(), threading.Event()
    region, failures = directory.region("a"), list[bytes]()

    def map_often() -> None:
        maps: list[memoryview] = []
        while not stop.is_set():
            mapped = directory.map("a")
            maps = [mapped, *maps[:5]]
            failures.extend(bytes(old) for old in maps if bytes(old).strip(b"x"))

    threads = [threading.Thread(target=map_often) for _ in range(3)]
    for thread in threads:
        thread.start()
    for size in range(1500):
        region.write_at(size, b"x")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert directory.read("a", limit=1500) == b"x" * 1500
