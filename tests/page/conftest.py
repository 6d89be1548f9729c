"""What tests of the page share: real servers over drawn pictures, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from mitame.demo.drawn import DrawnItem, draw_catalogue
from tests.page.browser import Browser, anew, browser
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

COUNT = 160  # four designs of each kind, from two sides each


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[DrawnItem]:
    """Pictures of things, two of each design: ``mug-red-plain-1`` and ``-2``."""
    return draw_catalogue(tmp_path_factory.mktemp("drawn"), count=COUNT, size=200)


@pytest.fixture(scope="session")
def shop_data(tmp_path_factory: pytest.TempPathFactory, drawn: list[DrawnItem]) -> Path:
    """A data directory: ``default`` has the first picture of each design, ``empty`` has none."""
    data = tmp_path_factory.mktemp("shop")
    mitame.open(data, "empty").close()
    with mitame.open(data) as shop:
        for item in drawn:
            if item.id.endswith("-1"):
                told = {"colour": item.colour, "price": item.price, "sale": item.price < 4_000}
                shop.add(item.id, image=item.path, category=item.kind, attributes=told)
    return data


@pytest.fixture(scope="session")
def shop(shop_data: Path) -> Iterator[Server]:
    """It runs, and fetches pictures from this machine, too."""
    with limited_server(shop_data, limits={}, allow_private=True) as running:
        yield running


@pytest.fixture(scope="session")
def window() -> Iterator[Browser]:
    """A browser that many tests share."""
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module", params=["en", "ja"])
def spoken(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser whose reader has asked for pages in one language, then in the other."""
    with browser(request.param) as opened:
        yield opened


@pytest.fixture
def page(window: Browser, shop: Server) -> Iterator[Browser]:
    """It, as new, at the shop's page; after the test nothing must have been complained of."""
    anew(window, shop)
    with window.watched():
        yield window
