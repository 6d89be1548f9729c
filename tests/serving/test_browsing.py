"""What a collection holds, over HTTP and by the client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mitame
from tests.serving.item_server import picture
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Eight items, whose pictures lie in a folder."""
    data, folder = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("pictures") / "ü"
    folder.mkdir()
    for n in range(8):
        (folder / f"{n}.png").write_bytes(picture(n))
    with mitame.open(data, "shop", lenses={"color": "color"}) as shop:
        shop.index(folder.parent)
        for n in range(8):
            category = "mug" if n % 2 else "hat"
            shop.update(f"ü/{n}.png", category=category, attributes={"price": n})
    with Server(data) as running:
        yield running


def test_facets_are_counted(server: Server) -> None:
    """Under a filter, with ranges; a wrong range is refused."""
    with mitame.Client(server.url) as client:
        shop = client.collection("shop")
        found = shop.facets(["category", "price"], "price>1", ranges={"price": [{"lt": 4}]})
        assert found.count == 6
        category, price = found.facets
        assert [(each.value, each.count) for each in category.values] == [("hat", 3), ("mug", 3)]
        assert price.ranges[0].count == 2
        assert [each.name for each in shop.attributes().attributes] == ["category", "price"]
    body = {"keys": ["price"], "ranges": {"price": [{}]}}
    assert server.ask("POST", "/v1/collections/shop/items:facets", body).status == 422


def test_pages_by_category_have_what_a_page_shows(server: Server) -> None:
    """In a stable order; the thumbnail's path works."""
    with mitame.Client(server.url) as client:
        shop = client.collection("shop")
        first = shop.scroll("category=mug", limit=3)
        rest = shop.scroll("category=mug", limit=3, cursor=first.cursor)
        assert [each.id for each in (*first.items, *rest.items)] == [
            "ü/1.png",
            "ü/3.png",
            "ü/5.png",
            "ü/7.png",
        ]
        drawn = shop.random(4, "category=mug")
        mugs = [f"ü/{n}.png" for n in (1, 3, 5, 7)]
        assert {each.id for each in drawn.items} == set(mugs)
        assert shop.random(4, "category=mug", seed=drawn.seed).items == drawn.items
        assert shop.suggest("ü/", 2).ids == ["ü/0.png", "ü/1.png"]
    for each in (*first.items, *drawn.items):
        assert isinstance(each.image, str)
        assert server.ask("GET", each.image).status == 200
