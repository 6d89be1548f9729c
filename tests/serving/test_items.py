"""Items one by one over HTTP: put in every form, changed, described, removed."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from tests.serving.item_server import (
    OWN,
    PICTURES,
    floats,
    form,
    item_server,
    listed,
    picture,
    problem,
    text,
)
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with item_server(tmp_path_factory.mktemp("items")) as running:
        yield running


def get(server: Server, path: str) -> Any:
    """An item's description."""
    answer = server.ask("GET", path)
    assert answer.status == 200, answer.body
    return answer.json()


def as_json(seed: int) -> tuple[Any, dict[str, str]]:
    """A picture in JSON."""
    body = {"image_base64": text(picture(seed)), "category": "mug", "attributes": {"price": 5}}
    return body, {}


def as_form(seed: int) -> tuple[Any, dict[str, str]]:
    """A picture in a form."""
    fields = b'{"category": "mug", "attributes": {"price": 5}}'
    return form(("image", "image/png", picture(seed)), ("item", "application/json", fields))


@pytest.mark.parametrize("sent", [as_json, as_form])
def test_a_picture_with_its_fields(server: Server, sent: Any) -> None:
    """JSON and form give the same item, with the vector that the library gives the picture."""
    body, headers = sent(1)
    answer = server.ask("PUT", f"{PICTURES}/items/one", body, headers)
    assert answer.status == 200, answer.body
    expected = {
        "id": "one",
        "category": "mug",
        "attributes": {"price": 5},
        "images": [
            {
                "content_hash": hashlib.sha256(picture(1)).hexdigest(),
                "width": 24,
                "height": 16,
                "format": "PNG",
                "bytes": len(picture(1)),
                "url": None,
            }
        ],
    }
    assert answer.json() == expected
    found = get(server, f"{PICTURES}/items/one?with_vectors=true")
    (vector,) = found.pop("vectors")["color"]
    assert found == {**expected, "image": f"{PICTURES}/items/one/thumbnail"}
    with mitame.open(server.data, "pictures") as shop:
        shop.add("same", image=picture(1))
        assert np.allclose(shop.vectors("same")[0], vector, atol=1e-6)
        shop.remove("same")


@pytest.mark.parametrize("media", ["image/png", "image/jpeg", "application/octet-stream"])
def test_a_picture_alone(server: Server, media: str) -> None:
    """The body is the file, whatever kind of picture the type says; it has no category."""
    answer = server.ask("PUT", f"{PICTURES}/items/raw", picture(2), {"Content-Type": media})
    assert answer.status == 200, answer.body
    assert answer.json()["category"] is None
    assert answer.json()["images"][0]["format"] == "PNG"


def test_several_pictures(server: Server) -> None:
    """In a form, in the order in which they are sent; more than are worked on at once."""
    pictures = [picture(seed) for seed in range(40)]
    body, headers = form(*(("image", "image/png", each) for each in pictures))
    answer = server.ask("PUT", f"{PICTURES}/items/many", body, headers)
    assert answer.status == 200, answer.body
    hashes = [image["content_hash"] for image in answer.json()["images"]]
    assert hashes == [hashlib.sha256(each).hexdigest() for each in pictures]
    found = get(server, f"{PICTURES}/items/many?with_vectors=1")
    assert len(found["vectors"]["color"]) == len(pictures)


@pytest.mark.parametrize(
    "body",
    [
        {"vector": [3, 0, 4, 0]},
        {"vector": floats(3, 0, 4, 0)},
        {"vectors": {"vectors": [0.6, 0, 0.8, 0]}},
        {"vectors": {"vectors": floats(0.6, 0, 0.8, 0)}},
    ],
)
def test_a_vector(server: Server, body: Any) -> None:
    """As numbers or base64, for the first lens or by name; searchable with the answer."""
    answer = server.ask("PUT", f"{OWN}/items/v", {**body, "category": "mug"})
    assert answer.status == 200, answer.body
    found = get(server, f"{OWN}/items/v?with_vectors=true")
    assert np.allclose(found["vectors"]["vectors"], [[0.6, 0, 0.8, 0]])
    packed = get(server, f"{OWN}/items/v?with_vectors=true&encoding=base64")
    assert packed["vectors"]["vectors"] == [floats(0.6, 0, 0.8, 0)]
    with mitame.open(server.data, "own") as shop:
        assert [n.id for n in shop.search(vector=[3, 0, 4, 0]).neighbors] == ["v"]


def test_a_put_replaces_whole(server: Server) -> None:
    """What is left out is gone, and so are the pictures before."""
    path = f"{PICTURES}/items/replaced"
    body, headers = as_form(3)
    assert server.ask("PUT", path, body, headers).status == 200
    assert server.ask("PUT", path, {"image_base64": text(picture(4))}).status == 200
    found = get(server, path)
    assert (found["category"], found["attributes"]) == (None, {})
    assert [i["content_hash"] for i in found["images"]] == [hashlib.sha256(picture(4)).hexdigest()]


def test_a_patch_changes_what_is_given(server: Server) -> None:
    """What is left out stays; null takes the category away; attributes are replaced as a whole."""
    path = f"{OWN}/items/patched"
    first = {"vector": [1, 0, 0, 0], "category": "mug", "attributes": {"price": 1, "sold": True}}
    assert server.ask("PUT", path, first).status == 200
    for body, category, attributes in (
        ({}, "mug", {"price": 1, "sold": True}),
        ({"category": "cup"}, "cup", {"price": 1, "sold": True}),
        (
            {"attributes": {"tags": ["a", "b"], "none": None}},
            "cup",
            {"tags": ["a", "b"], "none": None},
        ),
        ({"category": None}, None, {"tags": ["a", "b"], "none": None}),
        ({"attributes": {}}, None, {}),
    ):
        answer = server.ask("PATCH", path, body)
        assert answer.status == 200, answer.body
        assert answer.json() == get(server, path)
        assert (answer.json()["category"], answer.json()["attributes"]) == (category, attributes)
    found = get(server, f"{path}?with_vectors=true")
    assert found["vectors"] == {"vectors": [[1, 0, 0, 0]]}


def test_a_removed_item_is_gone(server: Server) -> None:
    """204 once, then 404 for everything but a put."""
    path = f"{OWN}/items/removed"
    assert server.ask("PUT", path, {"vector": [1, 0, 0, 0]}).status == 200
    answer = server.ask("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    for method, body in (("DELETE", None), ("GET", None), ("PATCH", {"category": "x"})):
        assert problem(server.ask(method, path, body)) == (404, "item_not_found")


@pytest.fixture
def site() -> Iterator[str]:
    """A web server on this machine with one picture; every other path is a redirect to it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = picture(5) if self.path == "/5.png" else b""
            self.send_response(200 if data else 302)
            self.send_header("Location", "/5.png")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()
        thread.join()


def test_a_url_of_a_private_address_is_refused(server: Server, site: str) -> None:
    """As are files and other schemes: nobody reaches through the server into its own network."""
    before = listed(server, PICTURES)
    for url in (
        f"{site}/5.png",
        "http://localhost/x.png",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://2130706433/x.png",
        "http://0177.0.0.1/x.png",
    ):
        answer = server.ask("PUT", f"{PICTURES}/items/url", {"image_url": url})
        assert problem(answer) == (422, "fetch_refused"), url
    for url in ("/etc/passwd", "file:///etc/passwd", "ftp://example.org/x.png", ""):
        answer = server.ask("PUT", f"{PICTURES}/items/url", {"image_url": url})
        assert problem(answer) == (422, "invalid_body"), url
    assert listed(server, PICTURES) == before


def test_a_url_is_fetched(tmp_path: Path, site: str) -> None:
    """Where private addresses are allowed, over a redirect; the item says where it came from."""
    own = limited_server(tmp_path, limits={}, allow_private=True)
    with item_server(tmp_path, own) as server:
        answer = server.ask("PUT", f"{PICTURES}/items/url", {"image_url": f"{site}/elsewhere"})
        assert answer.status == 200, answer.body
        (image,) = answer.json()["images"]
        assert image["url"] == f"{site}/elsewhere"
        assert image["content_hash"] == hashlib.sha256(picture(5)).hexdigest()


def test_paths_of_this_machine_are_not_told(server: Server, tmp_path: Path) -> None:
    """An item that was indexed from a folder does not say where that is."""
    (tmp_path / "secret.png").write_bytes(picture(6))
    with mitame.open(server.data, "pictures") as shop:
        shop.add("indexed", image=tmp_path / "secret.png")
    answer = server.ask("GET", f"{PICTURES}/items/indexed")
    assert answer.status == 200
    assert str(tmp_path).encode() not in answer.body
    assert b"secret" not in answer.body


def test_any_id_is_only_an_id(server: Server) -> None:
    """What looks like a path or a route is the name of an item, and reads back the same."""
    ids = {
        "a%2Fb": "a/b",
        "a%2Fsimilar": "a/similar",
        "..": "..",
        "%2e%2e": "..",
        "..%2F..%2Fetc%2Fpasswd": "../../etc/passwd",
        "%F0%9F%A6%8A": "\N{FOX FACE}",
        "%D7%A9%D7%9C%D7%95%D7%9D": "\u05e9\u05dc\u05d5\u05dd",
        "a%20b%3Fc%23d": "a b?c#d",
        "%25": "%",
        "items:batch": "items:batch",
        "a" * 1_000: "a" * 1_000,
        "'%3B%20DROP%20TABLE%20items%3B--": "'; DROP TABLE items;--",
    }
    before = {item["id"] for item in listed(server, OWN)}
    for sent, meant in ids.items():
        answer = server.ask("PUT", f"{OWN}/items/{sent}", {"vector": [1, 2, 3, 4]})
        assert answer.status == 200, (sent, answer.body)
        assert answer.json()["id"] == meant
        assert get(server, f"{OWN}/items/{sent}")["id"] == meant
    assert {item["id"] for item in listed(server, OWN)} - before == set(ids.values())
    for sent in set(ids) - {".."}:
        assert server.ask("DELETE", f"{OWN}/items/{sent}").status == 204
