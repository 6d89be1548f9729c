"""An nginx follows a collection; an upstream knows what came since the last merge."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from tests.deploy.inside import Inside, fill, inside
from tests.deploy.running_nginx import needs_lua
from tests.serving.running_server import Server

pytestmark = needs_lua
NEW = [0.1, 0.2, 0.3, 0.4]


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Inside]:
    fill(tmp_path / "data", "shop")
    with inside(tmp_path / "nginx", tmp_path / "data") as running:
        running.wait(lambda: running.ids("p0") != 503)
        yield running


def test_follows_merges(asking: Inside, tmp_path: Path) -> None:
    """Merges are seen without a reload and older generations may go; it answers all the time."""
    (worker,) = asking.workers()
    with mitame.open(tmp_path / "data", "shop", create=False) as collection:
        for number in range(4):
            name = f"new {number}"
            collection.add(name, vector=NEW, category="kind 0")
            assert asking.ids(name) == 404
            collection.store.merge(keep=1)
            asking.wait(lambda name=name: _seen(asking, name))  # type: ignore[misc]  # bound now
            wanted = [each.id for each in collection.similar("p0").neighbors]
            assert asking.ids("p0") == wanted
        collection.remove("p1")
        collection.store.merge(keep=1)
        asking.wait(lambda: asking.ids("p1") == 404)
    assert len(list((tmp_path / "data/shop/snapshots").glob("[0-9]" * 6))) == 1
    assert asking.workers() == [worker]


def _seen(asking: Inside, name: str) -> bool:
    assert isinstance(asking.ids("p0"), list)
    return isinstance(asking.ids(name), list)


def test_follows_rollback(asking: Inside, tmp_path: Path) -> None:
    """Going back to an older generation is seen, too."""
    with mitame.open(tmp_path / "data", "shop", create=False) as collection:
        collection.add("new", vector=NEW)
        collection.store.merge(keep=2)
        asking.wait(lambda: isinstance(asking.ids("new"), list))
        collection.store.rollback(1)
        asking.wait(lambda: asking.ids("new") == 404)


def test_first_merge_while_it_runs(tmp_path: Path) -> None:
    """A collection without a generation is 503, and is served from its first merge on."""
    data = tmp_path / "data"
    with (
        mitame.open(data, "shop", lenses={"look": "vectors:4"}) as collection,
        inside(tmp_path / "nginx", data) as asking,
    ):
        collection.add("a", vector=NEW)
        collection.add("b", vector=NEW[::-1])
        assert asking.get("product_id=a")[0] == 503
        collection.store.merge()
        asking.wait(lambda: asking.ids("a") == ["b"])


def test_dropped_collection(asking: Inside, tmp_path: Path) -> None:
    """A collection that goes away takes its answers along; nginx stays."""
    fill(tmp_path / "data", "mugs", 3)
    asking.wait(lambda: isinstance(asking.ids("p0", 10, "mugs"), list))
    shutil.rmtree(tmp_path / "data/mugs")
    asking.wait(lambda: asking.ids("p0", 10, "mugs") == [])
    shutil.rmtree(tmp_path / "data/shop")
    asking.wait(lambda: asking.ids("p0") == 503)


class _Upstream(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_upstream_knows_the_rest(tmp_path: Path) -> None:
    """What came since the last merge, and longer lists than the table's, are passed on."""
    fill(tmp_path / "data", "shop", 150)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"127.0.0.1:{server.server_address[1]}"
        with inside(tmp_path / "nginx", tmp_path / "data", upstream=address) as asking:
            asking.wait(lambda: asking.get("product_id=p0")[1].startswith(b"["))
            for query in (
                "product_id=a%2Fnew",
                "product_id=p0&limit=101",
                "category_id=kind+1&product_id=p0&limit=99",
                "category_id=new+kind&product_id=p0",
            ):
                assert asking.get(query) == (200, f"/nns?{query}".encode())
            assert asking.get("product_id=p0&limit=100")[1].startswith(b"[")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_mitame_behind_it(tmp_path: Path) -> None:
    """With a real server behind it, what is written is found at once, as the server finds it."""
    fill(tmp_path / "data", "shop")
    with (
        Server(tmp_path / "data", "--collection", "shop", "--no-merge") as server,
        inside(
            tmp_path / "nginx", tmp_path / "data", upstream=f"127.0.0.1:{server.port}"
        ) as asking,
    ):
        written = server.ask("PUT", "/v1/collections/shop/items/a%2Fnew", {"vector": NEW})
        assert written.status == 200
        found = asking.ids("a/new", 5)
        assert found == server.ask("GET", "/nns?product_id=a%2Fnew&limit=5").json()
        assert len(found) == 5
        assert asking.ids("none") == 404
        known = server.ask("GET", "/nns?product_id=p3&limit=5&category_id=kind%201")
        assert asking.ids("p3", 5, "kind 1") == known.json()


def test_upstream_is_down(tmp_path: Path) -> None:
    """Without its upstream it says what it knows."""
    fill(tmp_path / "data", "shop", 150)
    with inside(tmp_path / "nginx", tmp_path / "data", upstream="127.0.0.1:1") as asking:
        asking.wait(lambda: asking.ids("p0") != 503)
        assert asking.ids("new") == 404
        assert len(asking.ids("p0", 101)) == 100
        assert asking.get("product_id=p0&limit=0")[0] == 422
