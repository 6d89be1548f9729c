"""Every engine of the catalogue keeps the laws that the package ships."""

from __future__ import annotations

import pytest

from mitame.engines.catalog import ENGINES, find
from mitame.engines.protocol import Engine
from mitame.errors import UsageError
from mitame.testing.engines import EngineConformance


class TestEveryEngine(EngineConformance):
    """The shipped suite, once for each name in the catalogue."""

    @pytest.fixture(params=sorted(ENGINES), autouse=True)
    def _name(self, request: pytest.FixtureRequest) -> None:
        self.name = str(request.param)

    def make(self) -> Engine:
        """The engine that the catalogue finds."""
        return find(self.name)


def test_catalogue_names_are_the_engines_own() -> None:
    """An engine is found under the name that it declares."""
    assert all(engine.name == name for name, engine in ENGINES.items())


def test_unknown_engine_is_refused_with_the_known_names() -> None:
    """The error says what there is."""
    with pytest.raises(UsageError) as caught:
        find("annoying")
    assert "exact" in caught.value.remedy
