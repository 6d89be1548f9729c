"""Addresses of pictures that lead inside (SSRF): every door refuses them, and asks nobody."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.serving.canary import Canary
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Server

HOSTS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "017700000001",
    "0177.0.0.1",
    "00000177.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LocalHost",
    "localhost.",
    "a.localhost",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[::1%25lo]",
    "[fe80::1%25lo]",
    "\uff11\uff12\uff17.0.0.1",  # full-width digits
    "\u2460\u2461\u2466.0.0.1",  # circled ones
    "127\u30020\u30020\u30021",  # ideographic full stops
    "%31%32%37.0.0.1",
    "public.example@127.0.0.1",
    "127.0.0.1:80@public.example",
    "public.example\\@127.0.0.1",
    "127.0.0.1#@public.example",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "168.63.129.16",
    "100.100.100.200",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "224.0.0.1",
    "255.255.255.255",
)
SCHEMES = (
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1:{port}/x",
    "dict://127.0.0.1:{port}/x",
    "data:image/png;base64,AAAA",
    "jar:http://127.0.0.1:{port}!/x",
    "//127.0.0.1:{port}/x",
    "/etc/passwd",
    "../../etc/passwd",
    "",
    " http://127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}/x\r\nHost: other",
    "http:127.0.0.1:{port}/x",
    "http:///127.0.0.1:{port}/x",
)
URLS = (*(f"http://{host}" for host in HOSTS), *SCHEMES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with limited_server(tmp_path_factory.mktemp("data"), limits={}) as running:
        made = running.ask("PUT", "/v1/collections/x", {"lenses": {"color": "color"}})
        assert made.status == 201, made.body
        yield running


def test_the_canary_sings(canary: Canary) -> None:
    """A visit is noticed, so that none is noticed where none was."""
    with socket.create_connection(("127.0.0.1", canary.port)) as visit:
        visit.recv(1)
    assert canary.visits == 1


@pytest.mark.parametrize("url", URLS, ids=[ascii(url)[:40] for url in URLS])
def test_no_door_asks_inside(server: Server, canary: Canary, url: str) -> None:
    """PUT of an item, a query, embedding: 422, or 400 for what is no address at all."""
    asked = url.format(port=canary.port)
    if url.startswith("http://") and "{port}" not in url:
        asked = f"{url}:{canary.port}/x"
    for method, path in [
        ("PUT", "/v1/collections/x/items/1"),
        ("POST", "/v1/collections/x/query"),
        ("POST", "/v1/embed"),
    ]:
        more = {"embedder": "color"} if path == "/v1/embed" else {}
        answer = server.ask(method, path, {"image_url": asked, **more})
        assert answer.status in (400, 422), (path, answer.status, answer.body)
        assert answer.json()["code"] in ("fetch_refused", "fetch_failed", "invalid_body"), (
            answer.body
        )
    rows = server.ask(
        "POST", "/v1/collections/x/items:batch", [{"id": "1", "image_url": asked}]
    ).json()["rows"]
    assert rows[0]["status"] in (400, 422), rows
    assert server.ask("GET", "/v1/collections/x/items/1").status == 404
    assert canary.visits == 0


def test_where_it_is_allowed_inside_is_asked(
    tmp_path_factory: pytest.TempPathFactory, canary: Canary
) -> None:
    """With ``allow_private`` the same URL is asked: what refuses it is the rule, not chance."""
    data = tmp_path_factory.mktemp("data")
    with limited_server(data, limits={}, allow_private=True) as server:
        body = {"embedder": "color", "image_url": f"http://127.0.0.1:{canary.port}/x"}
        answer = server.ask("POST", "/v1/embed", body)
    assert (answer.status, answer.json()["code"]) == (422, "fetch_failed")
    assert canary.visits == 1
