"""Locks of files: between processes, against removal, in forks, and as Windows has them."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mitame.errors import CollectionBusy, StorageError
from mitame.storage import LocalDirectory, locking
from mitame.testing.directory_locks import LONG, is_free

_HOLD = """
import sys
from pathlib import Path
from mitame.storage import LocalDirectory
directory = LocalDirectory(Path(sys.argv[1]))
with directory.lock("a", shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock ``a`` until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder), how],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_processes_exclude_each_other(tmp_path: Path) -> None:
    """Alone means alone in every process; shared means shared among them."""
    directory = LocalDirectory(tmp_path)
    with holder(tmp_path, "alone"):
        assert not is_free(directory, "a")
        assert not is_free(directory, "a", shared=True)
    with holder(tmp_path, "shared"):
        assert not is_free(directory, "a")
        assert is_free(directory, "a", shared=True)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The system frees its locks; who waits gets them."""
    with holder(tmp_path, "alone") as process:
        process.kill()
        assert is_free(LocalDirectory(tmp_path), "a", wait_seconds=LONG)


def test_the_message_names_the_lock(tmp_path: Path) -> None:
    """CollectionBusy says which file and what to do."""
    directory = LocalDirectory(tmp_path)
    with directory.lock("a"), pytest.raises(CollectionBusy) as caught, directory.lock("a"):
        pass
    assert str(tmp_path / "a") in caught.value.message
    assert caught.value.remedy


def test_a_file_removed_between_opening_and_locking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of a nameless file is given back and the lock of the file with the name taken."""
    directory, tries, found = LocalDirectory(tmp_path), [0], locking._try

    def remove_first(descriptor: int, shared: bool) -> tuple[int, int] | None:
        tries[0] += 1
        if tries[0] == 1:
            directory.remove("a")
        if tries[0] == 2:
            directory.remove("a")
            directory.replace("a", b"another")
        return found(descriptor, shared)

    monkeypatch.setattr(locking, "_try", remove_first)
    with directory.lock("a"):
        assert tries[0] == 3
        assert directory.read("a", limit=9) == b"another"
        assert not is_free(directory, "a")
    assert is_free(directory, "a")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only reads and exits
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """The child has the open file, too; the lock is freed in the parent all the same."""
    directory = LocalDirectory(tmp_path)
    read, write = os.pipe()
    with directory.lock("a"):
        child = os.fork()
        if child == 0:
            os.close(write)
            os.read(read, 1)  # until the parent has closed its end
            os._exit(0)
    os.close(read)
    assert is_free(directory, "a")
    os.close(write)
    os.waitpid(child, 0)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """Not by locks that were had, refused or of removed files."""
    directory = LocalDirectory(tmp_path)
    probe = os.open(tmp_path, os.O_RDONLY)
    os.close(probe)
    for shared in (True, False) * 5:
        with directory.lock("a", shared=shared):
            assert not is_free(directory, "a")
        directory.remove("a")
    again = os.open(tmp_path, os.O_RDONLY)
    os.close(again)
    assert again == probe


def test_a_disk_that_can_not_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """StorageError that says to use a local disk, not endless waiting."""

    def refuse(descriptor: int, shared: bool) -> tuple[int, int] | None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(locking, "_try", refuse)
    with pytest.raises(StorageError) as caught, LocalDirectory(tmp_path).lock("a"):
        pass
    assert "local disk" in caught.value.remedy


class _Ranges(types.ModuleType):
    """A double of `msvcrt`: byte ranges that belong to the open file."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.held: dict[tuple[int, int], int] = {}

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        first = os.lseek(descriptor, 0, os.SEEK_CUR)
        inode = os.fstat(descriptor).st_ino
        wanted = [(inode, place) for place in range(first, first + count)]
        if mode == self.LK_UNLCK:
            for place in wanted:
                assert self.held.pop(place) == descriptor
        elif any(place in self.held for place in wanted):
            raise OSError(errno.EACCES, "held")
        else:
            self.held.update(dict.fromkeys(wanted, descriptor))


def test_locks_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte ranges give the same locks: alone excludes all, and many share."""
    ranges = _Ranges()
    monkeypatch.setitem(sys.modules, "msvcrt", ranges)
    assert locking.__file__ is not None
    spec = importlib.util.spec_from_file_location("windows_locking", locking.__file__)
    assert spec is not None
    assert spec.loader is not None
    windows = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        spec.loader.exec_module(windows)
    monkeypatch.setattr("mitame.storage.local.file_lock", windows.file_lock)
    directory = LocalDirectory(tmp_path)
    with directory.lock("a"):
        assert len(ranges.held) == 256
        assert not is_free(directory, "a")
        assert not is_free(directory, "a", shared=True)
    with directory.lock("a", shared=True), directory.lock("a", shared=True):
        assert len(ranges.held) == 2
        assert not is_free(directory, "a")
        assert is_free(directory, "a", shared=True)
    assert ranges.held == {}
    assert is_free(directory, "a")
