"""A fresh collection for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.collection import Store, create
from tests.collection.made import COLOR, LOOK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A collection with two lenses, nothing in it."""
    with create(tmp_path / "data" / "shop", [LOOK, COLOR]) as made:
        yield made
