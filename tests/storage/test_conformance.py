"""Every directory keeps the laws that the package ships: on the disk, in memory, and wrapped."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from mitame.storage import Directory, LocalDirectory, MemoryDirectory
from mitame.testing.directories import DirectoryConformance
from mitame.testing.faults import FaultyDirectory


class _OnDisk(DirectoryConformance):
    """Gives each directory a folder of its own."""

    __test__ = False

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path: Path) -> None:
        self.places = (tmp_path / str(number) for number in itertools.count())

    def place(self) -> Path:
        place = next(self.places)
        place.mkdir()
        return place


class TestLocalDirectory(_OnDisk):
    """The shipped suite, on the disk."""

    __test__ = True

    def directory(self) -> Directory:
        return LocalDirectory(self.place())


class TestFaultyDirectory(_OnDisk):
    """The shipped suite, wrapped, with no faults planned."""

    __test__ = True

    def directory(self) -> Directory:
        return FaultyDirectory(self.place())


class TestMemoryDirectory(DirectoryConformance):
    """The shipped suite, in memory."""

    def directory(self) -> Directory:
        return MemoryDirectory()
