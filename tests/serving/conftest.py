"""What tests of the service share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving.canary import Canary


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A server on this machine that nobody may be made to ask."""
    with Canary() as made:
        yield made
