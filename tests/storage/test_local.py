"""A directory on the disk: what the system refuses, links, and the order of syncs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mitame.errors import CorruptCollection, StorageError
from mitame.storage import LocalDirectory, files
from mitame.storage.names import PART
from mitame.testing.directory_files import make
from tests.storage.made import Call, fail, listing, posix


@posix
def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    """They would lead out of the directory, or hang; removing a link leaves what it leads to."""
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    for path in (folder, outside):
        path.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (folder / "file").symlink_to(outside / "secret")
    (folder / "dangling").symlink_to(outside / "new")
    (folder / "inside").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    directory = LocalDirectory(folder)
    for name in ("file", "dangling", "inside", "pipe"):
        calls: list[Call] = [
            lambda d, n=name: d.read(n, limit=9),  # type: ignore[misc]  # mypy can't infer a lambda with defaults
            lambda d, n=name: d.map(n),  # type: ignore[misc]  # as above
            lambda d, n=name: d.region(n),  # type: ignore[misc]  # as above
            lambda d, n=name: d.child(n),  # type: ignore[misc]  # as above
            lambda d, n=name: d.lock(n).__enter__(),  # type: ignore[misc]  # as above
        ]
        for call in calls:
            with pytest.raises(CorruptCollection):
                call(directory)
        with pytest.raises(StorageError):
            directory.create(name)
        directory.remove(name)
    assert directory.names() == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_replace_does_not_write_through_a_link(tmp_path: Path) -> None:
    """The link goes, what it led to stays."""
    (tmp_path / "outside").write_bytes(b"outside")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").symlink_to(tmp_path / "outside")
    LocalDirectory(folder).replace("a", b"new")
    assert (tmp_path / "outside").read_bytes() == b"outside"
    assert not (folder / "a").is_symlink()


@posix
def test_the_order_of_replace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are synced before the name changes, and the name after it."""
    directory, events = LocalDirectory(tmp_path), list[str]()
    directory.replace("a", b"old")
    sync_file, sync_directory = files.sync_file, files.sync_directory

    def note(what: str) -> None:
        events.append(f"{what} while the content is {(tmp_path / 'a').read_text()}")

    def note_file(descriptor: int) -> None:
        note("file")
        sync_file(descriptor)

    def note_folder(path: Path) -> None:
        note("folder")
        sync_directory(path)

    monkeypatch.setattr("mitame.storage.files.sync_file", note_file)
    monkeypatch.setattr("mitame.storage.local.sync_directory", note_folder)
    directory.replace("a", b"new")
    assert events == ["file while the content is old", "folder while the content is new"]


_REPLACE = """
import itertools, sys
from pathlib import Path
from mitame.storage import LocalDirectory
directory = LocalDirectory(Path(sys.argv[1]))
for number in itertools.count():
    directory.replace("a", b"%d" % (number % 10) * 300_000)
    print(flush=True)
"""


def test_a_killed_replace_leaves_old_or_new(tmp_path: Path) -> None:
    """Killed at any instant: the content is whole, and nothing half-done is listed."""
    directory = LocalDirectory(tmp_path)
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", _REPLACE, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.02)
            process.kill()
        content = directory.read("a", limit=300_000)
        assert content == content[:1] * 300_000
        assert directory.names() == ["a"]


@pytest.mark.parametrize("call", ["mitame.storage.files.sync_file", "os.replace", "os.write"])
def test_a_replace_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whichever step the system refuses: StorageError, the old content, nothing beside it."""
    directory = LocalDirectory(tmp_path)
    directory.replace("a", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(call, fail(errno.EIO))
        with pytest.raises(StorageError, match="/a") as caught:
            directory.replace("a", b"new")
    assert "check the disk" in caught.value.remedy
    assert listing(tmp_path) == ["a"]
    assert directory.read("a", limit=9) == b"old"


def test_a_failed_sync_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may say yes the second time though the bytes are lost; the file does not."""
    directory = LocalDirectory(tmp_path)
    with directory.create("a") as output, directory.region("b") as region:
        for file in (output, region):
            with monkeypatch.context() as patch:
                patch.setattr("mitame.storage.files.sync_file", fail(errno.EIO))
                with pytest.raises(StorageError):
                    file.sync()
            with pytest.raises(StorageError, match="an earlier sync"):
                file.sync()


@posix
def test_a_file_system_that_can_not_sync_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EINVAL means that there is nothing to sync; a failing disk is an error."""
    monkeypatch.setattr(os, "fsync", fail(errno.EINVAL))
    LocalDirectory(tmp_path).sync()
    monkeypatch.setattr(os, "fsync", fail(errno.EIO))
    with pytest.raises(StorageError):
        LocalDirectory(tmp_path).sync()


@posix
def test_the_system_may_write_less_than_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is written after it, at its place."""
    write, write_at = os.write, os.pwrite
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: write_at(fd, data[:3], offset))
    directory = LocalDirectory(tmp_path)
    make(directory, "a", b"0123456789", b"more")
    with directory.region("a") as region:
        region.write_at(1, b"abcdefgh")
    assert directory.read("a", limit=14) == b"0abcdefgh9more"


def test_leftovers_of_a_killed_process(tmp_path: Path) -> None:
    """Half-done things are not listed; old ones go at the next replace, young ones stay."""
    old_file, old_folder, young = (tmp_path / f"{PART}{name}" for name in ("1", "2", "3"))
    old_folder.mkdir()
    (old_folder / "inside").touch()
    for path in (old_file, young):
        path.touch()
    for path in (old_file, old_folder):
        os.utime(path, (time.time() - 7200,) * 2)
    directory = LocalDirectory(tmp_path)
    assert directory.names() == []
    directory.replace("a", b"")
    assert listing(tmp_path) == [young.name, "a"]


@posix
def test_a_folder_goes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If its files can't be removed, its name is gone all the same, durably."""
    directory, synced = LocalDirectory(tmp_path), list[list[str]]()
    make(directory.child("a"), "b")
    monkeypatch.setattr("shutil.rmtree", fail(errno.EIO))
    monkeypatch.setattr(
        "mitame.storage.local.sync_directory", lambda path: synced.append(directory.names())
    )
    with pytest.raises(StorageError):
        directory.remove("a")
    assert synced == [[]]
    assert not directory.exists("a")
