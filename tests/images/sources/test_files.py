"""Reading a file: all of it, no more than the limit, and nothing that is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mitame.errors import ImageTooLarge, UnreadableFile
from mitame.images.limits import ImageLimits
from mitame.images.sources.files import open_regular, read_file

STATUS = Path("/proc/self/status")


@pytest.mark.parametrize("size", [1, 2, 65_535, 65_536, 65_537, 300_001])
def test_all_bytes_are_read(tmp_path: Path, size: int) -> None:
    """The bytes of a file come back whole, whatever its length."""
    path = tmp_path / "a"
    path.write_bytes(os.urandom(size))
    assert read_file(path) == path.read_bytes()


@pytest.mark.skipif(not STATUS.exists(), reason="this system has no /proc")
def test_a_file_longer_than_its_size_says_is_read_whole() -> None:
    """Where the system says 0 bytes, as for a file that is just growing, all of it is read."""
    assert STATUS.stat().st_size == 0
    assert b"Threads:" in read_file(STATUS)


@pytest.mark.skipif(not STATUS.exists(), reason="this system has no /proc")
def test_the_limit_holds_for_a_file_that_hides_its_size() -> None:
    """Reading ends one byte beyond the limit, although the size promised less."""
    with pytest.raises(ImageTooLarge):
        read_file(STATUS, ImageLimits(max_bytes=100))


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Neither success nor any refusal leaves a file open."""
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    descriptors = Path("/dev/fd")
    before = len(list(descriptors.iterdir()))
    read_file(path)
    with pytest.raises(ImageTooLarge):
        read_file(path, ImageLimits(max_bytes=3))
    for other in (tmp_path, tmp_path / "none"):
        with pytest.raises(UnreadableFile):
            read_file(other)
    with open_regular(str(path)) as file:
        assert file.read() == b"12345"
    assert len(list(descriptors.iterdir())) == before
