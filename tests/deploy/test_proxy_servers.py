"""nginx before two real mitame servers over one data directory."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.deploy.inside import ODD_IDS
from tests.deploy.proxied import proxied
from tests.deploy.running_nginx import SECONDS, Nginx, free_port, needs_nginx
from tests.serving.running_server import Server

pytestmark = needs_nginx


def ask(nginx: Nginx, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and body of one request through nginx."""
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=SECONDS)
    try:
        headers = {"Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        connection.request(method, path, sent, headers if sent else {})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.getheader("X-Request-Id")
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


@contextmanager
def two_servers(folder: Path) -> Iterator[tuple[Nginx, Server, Server]]:
    """nginx and the two servers that it is before."""
    with (
        Server(folder / "data") as one,
        Server(folder / "data") as other,
        proxied(folder / "nginx", free_port(), one.port, other.port) as nginx,
    ):
        yield nginx, one, other


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with two_servers(tmp_path_factory.mktemp("shared")) as (running, *_):
        yield running


def test_ids_arrive_unchanged(nginx: Nginx) -> None:
    """Items whose ids need encoding are written and read through nginx as without it."""
    assert ask(nginx, "PUT", "/v1/collections/shop", {"dim": 4})[0] == 201
    for number, item in enumerate(ODD_IDS):
        path = f"/v1/collections/shop/items/{quote(item, safe='')}"
        vector = [1.0, 0.1 * number, 0.0, 0.0]
        assert ask(nginx, "PUT", path, {"vector": vector})[0] == 200
        status, body = ask(nginx, "GET", path)
        assert (status, body["id"]) == (200, item)
        status, body = ask(nginx, "GET", f"{path}/similar?limit=100")
        assert (status, len(body["neighbors"])) == (200, number)


def _wait_until_gone(port: int) -> None:
    """The processes that answer go with the one that was killed."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("it is still listened on")


def test_fails_over(tmp_path: Path) -> None:
    """A server that is killed is not noticed; without any it is a problem that says so."""
    with two_servers(tmp_path) as (nginx, *servers):
        assert ask(nginx, "PUT", "/v1/collections/shop", {"dim": 4})[0] == 201
        for each in servers:
            for _ in range(20):
                assert ask(nginx, "GET", "/v1/collections") == (200, {"collections": ["shop"]})
            each.stop(signal.SIGKILL)
            _wait_until_gone(each.port)
        status, body = ask(nginx, "GET", "/v1/collections")
        assert (status, body["code"], body["status"]) == (503, "overloaded", 503)


def test_problems_pass(nginx: Nginx) -> None:
    """A refusal of mitame's own arrives as it was made."""
    status, body = ask(nginx, "GET", "/v1/collections/none")
    assert (status, body["code"]) == (404, "collection_not_found")
    status, body = ask(nginx, "PUT", "/v1/collections/..%2F..%2Fetc", {"dim": 4})
    assert 400 <= status < 500
