"""A store for the tiny embedder, and a folder of tiny pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.collection import Lens, Store, create
from tests.ingest.tiny import TinyEmbedder, paint


@pytest.fixture
def tiny() -> TinyEmbedder:
    return TinyEmbedder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "data" / "c", [Lens("look", TinyEmbedder.spec)]) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures in two folders."""
    for number in range(12):
        paint(tmp_path / "pictures" / ("ab"[number % 2]) / f"{number:02}.png", number)
    return tmp_path / "pictures"
