"""The parts of a map of format 1 say what they said."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from mitame.collection.map_part import read_facts, read_map
from mitame.collection.snapshot import Snapshot
from mitame.storage import LocalDirectory, MemoryDirectory
from tests.golden.make_map_1 import FACTS, HERE, KEYS, PLACED, build


def _golden(where: Path) -> LocalDirectory:
    with tarfile.open(HERE / "map-1.tar.gz") as tar:
        tar.extractall(where, filter="data")
    return LocalDirectory(where / "map-1")


def test_map_1(tmp_path: Path) -> None:
    """Opens, is whole, and has the items and places that were written."""
    snapshot = Snapshot.open(_golden(tmp_path))
    found = read_map(snapshot.lenses[1])
    assert found is not None
    assert found.facts == FACTS
    assert np.array_equal(found.items, KEYS)
    assert np.array_equal(found.places, PLACED)
    assert read_map(snapshot.lenses[4]) is None
    told = read_facts(snapshot.lenses[4].optional("map"))
    assert told is not None
    assert told.note == "too few"
    assert snapshot.verify() == []


def test_map_1_is_what_is_written_today(tmp_path: Path) -> None:
    """Byte for byte: who changes the format must give it another number."""
    golden, today = _golden(tmp_path), MemoryDirectory()
    build(today)
    assert today.names() == golden.names()
    for name in golden.names():
        if name.endswith(".part"):
            assert today.read(name, limit=1 << 20) == golden.read(name, limit=1 << 20), name
