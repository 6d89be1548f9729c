"""What the system refuses: read-only folders, full disks, limits, long paths."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mitame.errors import CorruptCollection, MitameError, StorageError
from mitame.storage import LocalDirectory
from mitame.storage.failures import typed
from mitame.storage.files import LocalOutput
from mitame.testing.directory_files import make
from tests.storage.made import Call, listing, posix


@contextmanager
def read_only_folder() -> Iterator[LocalDirectory]:
    """A folder with a file ``a`` and a lock ``pin`` that this process may only read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        directory = LocalDirectory(folder)
        make(directory, "a", b"content")
        with directory.lock("pin"):
            pass
        for path, mode in ((folder / "a", 0o444), (folder / "pin", 0o444), (folder, 0o555)):
            path.chmod(mode)
        root = os.geteuid() == 0  # permissions do not stop it
        try:
            if root:
                os.seteuid(65534)
            yield directory
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


WRITING: list[Call] = [
    lambda directory: directory.create("new"),
    lambda directory: directory.region("a"),
    lambda directory: directory.region("new"),
    lambda directory: directory.replace("a", b"x"),
    lambda directory: directory.rename("a", "new"),
    lambda directory: directory.remove("a"),
    lambda directory: directory.child("new"),
    lambda directory: directory.lock("pin").__enter__(),
    lambda directory: directory.lock("new", shared=True).__enter__(),
]


@posix
@pytest.mark.parametrize("call", WRITING)
def test_a_read_only_folder_refuses_writes(call: Call) -> None:
    """StorageError that names the file and says to look at the permissions; nothing changes."""
    with read_only_folder() as directory:
        with pytest.raises(StorageError, match=r"/(a|new|pin)") as caught:
            call(directory)
        assert "permissions" in caught.value.remedy
        assert directory.names() == ["a", "pin"]
        assert directory.read("a", limit=9) == b"content"


@posix
def test_a_read_only_folder_is_read_and_its_lock_shared() -> None:
    """Reading needs no write: a snapshot on a read-only disk can be pinned."""
    with read_only_folder() as directory, directory.lock("pin", shared=True):
        assert bytes(directory.map("a")) == b"content"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    """StorageError that says to make room."""
    output = LocalOutput(tmp_path / "a", os.open("/dev/full", os.O_WRONLY))
    with output, pytest.raises(StorageError, match="No space left") as caught:
        output.write(b"x")
    assert "free some space" in caught.value.remedy


_LIMITED = """
import resource, sys
from pathlib import Path
from mitame.errors import StorageError
from mitame.storage import LocalDirectory
directory = LocalDirectory(Path(sys.argv[1]))
directory.replace("a", b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
output, region = directory.create("b"), directory.region("c")
for call in (
    lambda: directory.replace("a", bytes(1001)),
    lambda: output.write(bytes(1001)),
    lambda: region.write_at(1000, b"x"),
):
    try:
        call()
    except StorageError as error:
        assert "limit on file sizes" in error.remedy, error.remedy
    else:
        raise AssertionError("written")
directory.replace("a2", bytes(1000))
"""


@posix
def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The real system refuses in the middle of a write: the old content stays, nothing beside."""
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "a").read_bytes() == b"old"
    assert listing(tmp_path) == ["a", "a2", "b", "c"]


@posix
def test_too_long_a_path(tmp_path: Path) -> None:
    """Names that are fine one by one but too long together: StorageError, with what to do."""
    directory, name = LocalDirectory(tmp_path), "x" * 200
    with pytest.raises(StorageError) as caught:  # noqa: PT012 (which is too deep, the system says)
        for _ in range(25):
            directory = directory.child(name)
    assert "shorter path" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOENT, CorruptCollection),
        (errno.ENOTDIR, CorruptCollection),
        (errno.EISDIR, CorruptCollection),
        (errno.ELOOP, CorruptCollection),
        (errno.ENOSPC, StorageError),
        (errno.EACCES, StorageError),
        (errno.EROFS, StorageError),
        (errno.EIO, StorageError),
        (errno.EMFILE, StorageError),
        (errno.EXDEV, StorageError),
    ],
)
def test_what_the_systems_errors_mean(code: int, error: type[MitameError]) -> None:
    """Each has a type, the file's name and something to do, in one line."""
    found = typed(OSError(code, os.strerror(code)), Path("shop") / "log")
    assert type(found) is error
    assert str(Path("shop") / "log") in found.message
    assert found.remedy
    assert "\n" not in found.line()
