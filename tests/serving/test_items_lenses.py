"""Items over HTTP while another process changes the collection's lenses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mitame
from mitame.collection import Lens
from mitame.embedders.catalog import open_embedder
from tests.serving.item_server import picture
from tests.serving.limited_server import limited_server
from tests.serving.running_server import SECONDS, Server
from tests.serving.slow_site import slow_site

SHOP = "/v1/collections/shop"
LENSES = {"lenses": {"one": "color", "other": "efficientnet-lite0"}}
COLOR, LOOK = 176, 1_280


def dimensions(server: Server, item_id: str) -> dict[str, int]:
    """How many floats an item's vectors have, by lens."""
    found: Any = server.ask("GET", f"{SHOP}/items/{item_id}?with_vectors=true").json()
    return {name: len(vectors[0]) for name, vectors in found["vectors"].items() if vectors}


def test_lenses_that_change_between_and_while(tmp_path: Path) -> None:
    """Every picture is embedded by the lenses of the moment at which it is written.

    Names are exchanged and a lens is added between two requests; then names are exchanged while
    the server waits for a picture, so that what it embeds is out of date, and it embeds again.
    """
    server = limited_server(tmp_path, limits={}, allow_private=True)
    with server, slow_site() as site, ThreadPoolExecutor(1) as pool:
        assert server.ask("PUT", SHOP, LENSES).status == 201
        sent = (picture(1), {"Content-Type": "image/png"})
        assert server.ask("PUT", f"{SHOP}/items/first", *sent).status == 200
        assert dimensions(server, "first") == {"one": COLOR, "other": LOOK}
        with mitame.open(tmp_path, "shop") as shop:
            shop.store.swap_lenses("one", "other")
            shop.store.add_lens(Lens("new", open_embedder("color").spec))
            assert server.ask("PUT", f"{SHOP}/items/second", *sent).status == 200
            assert dimensions(server, "second") == {"one": LOOK, "other": COLOR, "new": COLOR}
            assert server.ask("PUT", f"{SHOP}/items/v", {"vector": [1] * LOOK}).status == 200
            body = {"image_url": site.url}
            going = pool.submit(server.ask, "PUT", f"{SHOP}/items/third", body)
            assert site.asked.acquire(timeout=SECONDS)
            shop.store.swap_lenses("one", "other")
            site.go.set()
            answer = going.result(SECONDS)
            assert answer.status == 200, answer.body
            assert site.asked.acquire(timeout=SECONDS)  # it was fetched and embedded once more
            assert dimensions(server, "third") == {"one": COLOR, "other": LOOK, "new": COLOR}


def test_vectors_for_lenses_that_others_have_changed(tmp_path: Path) -> None:
    """A server that knew other lenses takes vectors for those that there are, and no others."""
    with Server(tmp_path) as server:
        lenses = {"one": "vectors:2", "two": "vectors:3"}
        assert server.ask("PUT", SHOP, {"lenses": lenses}).status == 201
        assert server.ask("PUT", f"{SHOP}/items/a", {"vector": [1, 2]}).status == 200
        with mitame.open(tmp_path, "shop") as shop:
            shop.store.add_lens(Lens("new", open_embedder("color").spec))
            body = {"vectors": {"new": [1] * COLOR}}
            assert server.ask("PUT", f"{SHOP}/items/b", body).status == 200
            shop.store.drop_lens("one")
            answer = server.ask("PUT", f"{SHOP}/items/c", {"vector": [1, 2, 3]})
            assert answer.status == 200, answer.body
            assert dimensions(server, "c") == {"two": 3}
            shop.store.drop_lens("new")
            refused = server.ask("PUT", f"{SHOP}/items/d", body)
            assert (refused.status, refused.json()["code"]) == (404, "unknown_lens")
            assert server.ask("GET", f"{SHOP}/items/d").status == 404
