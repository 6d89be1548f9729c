"""A fresh collection for a test, and small files on a quick disk for tests of faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.collection import Store, create
from tests.collection.made import COLOR, LOOK
from tests.collection.workloads import quick_folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A collection with two lenses, nothing in it."""
    with create(tmp_path / "data" / "shop", [LOOK, COLOR]) as made:
        yield made


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six rows of four floats per file of the log, so that a few items fill several."""
    monkeypatch.setattr("mitame.collection.log.SEGMENT_BYTES", 96)
    monkeypatch.setattr("mitame.collection.log._LEAST_ROOM", 64)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: SQLite syncs for real, which takes its time."""
    made = quick_folder()
    yield made
    shutil.rmtree(made)
