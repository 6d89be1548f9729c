"""What the tests of storage share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mitame.storage import Directory, LocalDirectory
from mitame.testing.directory_files import make
from mitame.testing.faults import Effect

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
Call = Callable[[Directory], object]
EFFECTS: list[Effect] = ["none", "whole", "start", "garbage"]
PARTS = (b"first part ", b"second part")


def listing(folder: Path) -> list[str]:
    """Names of all that is in a folder, half-done things too."""
    return sorted(path.name for path in folder.iterdir())


def fail(code: int) -> Callable[..., None]:
    """A system call that fails."""

    def call(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def shop(place: Path) -> Path:
    """A folder in which generation 1 is current."""
    place.mkdir()
    directory = LocalDirectory(place)
    make(directory.child("snapshots").child("1"), "part", b"old")
    directory.replace("current", b"1")
    return place


def publish(directory: Directory, skip: str = "") -> None:
    """A new generation the right way: bytes, names, new name, names, switch. Or one sync short."""
    shelf = directory.child("snapshots")
    directory.sync()
    shelf.remove("building")
    building = shelf.child("building")
    with building.create("part") as output:
        for part in PARTS:
            output.write(part)
        if skip != "file":
            output.sync()
    if skip != "folder":
        building.sync()
    shelf.rename("building", "2")
    if skip != "rename":
        shelf.sync()
    directory.replace("current", b"2")
    shelf.remove("1")
