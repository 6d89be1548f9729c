"""Every engine of the catalogue keeps the laws that the package ships."""

from __future__ import annotations

import pytest

from mitame.engines.catalog import ENGINES, find
from mitame.engines.protocol import Engine
from mitame.errors import MissingExtra
from mitame.testing.engines import EngineConformance


class TestEveryEngine(EngineConformance):
    """The shipped suite, once for each name in the catalogue whose library is installed."""

    @pytest.fixture(params=sorted(ENGINES), autouse=True)
    def _name(self, request: pytest.FixtureRequest) -> None:
        self.name = str(request.param)
        try:
            find(self.name).check()
        except MissingExtra as missing:
            pytest.skip(missing.line())

    def make(self) -> Engine:
        """The engine that the catalogue finds."""
        return find(self.name)
