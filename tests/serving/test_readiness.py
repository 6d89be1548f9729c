"""Whether a server can answer, as a load balancer asks it: ready, damaged, stopping."""

from __future__ import annotations

import http.client
import json
import signal
from pathlib import Path
from typing import Any

import mitame
from tests.serving.processes import connects, until
from tests.serving.raw import HEAD, connected, one_answer
from tests.serving.running_server import SECONDS, Server

BEGUN = b"PUT /v1/collections/late HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD


def damaged(data: Path, name: str) -> None:
    """A collection that can't be opened."""
    mitame.open(data, name, lenses={"vectors": "vectors:8"}).close()
    for path in (data / name).glob("collection.sqlite3*"):
        path.write_bytes(b"damaged" * 1_000)


def test_ready(tmp_path: Path) -> None:
    """It can answer, so it says so: without a collection and with one."""
    with Server(tmp_path) as server:
        assert server.ask("GET", "/readyz").status == 200
        assert server.ask("PUT", "/v1/collections/shop", {"dim": 4}).status == 201
        assert server.ask("GET", "/readyz").json() == {"status": "ok"}


def test_not_ready_without_its_collection(tmp_path: Path) -> None:
    """A server whose only collection is damaged lives, but is not ready; and it names nothing."""
    damaged(tmp_path, "secret-shop")
    with Server(tmp_path) as server:
        answer = server.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.headers["retry-after"]
        assert answer.json()["code"] == "not_ready"
        assert b"secret" not in answer.body
        assert server.ask("GET", "/healthz").status == 200


def test_one_damaged_collection_of_several_takes_no_server_from_the_net(tmp_path: Path) -> None:
    """It stays ready while one collection can be opened, and answers from that one."""
    for name in ("broken-1", "broken-2"):
        damaged(tmp_path, name)
    mitame.open(tmp_path, "shop", lenses={"vectors": "vectors:8"}).close()
    with Server(tmp_path) as server:
        assert server.ask("GET", "/readyz").status == 200
        assert server.ask("GET", "/v1/collections/shop").status == 200
        assert server.ask("GET", "/v1/collections/broken-1").status != 200


def test_not_ready_while_it_stops(tmp_path: Path) -> None:
    """From SIGTERM on a connection that was open reads 503, while a request in flight is ended."""
    with Server(tmp_path) as server:
        asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        assert asked(asking, "/readyz")[0] == 200
        with connected(server.port) as begun:
            begun.sendall(BEGUN + b"Content-Length: 9\r\n\r\n{")
            assert asked(asking, "/readyz")[0] == 200, "its one worker has read the other, too"
            server.process.send_signal(signal.SIGTERM)
            until(lambda: not connects(server.port), "nobody listens")
            status, headers, body = asked(asking, "/readyz")
            assert (status, body["code"]) == (503, "not_ready")
            assert "it is stopping" in body["detail"]
            assert (headers["retry-after"], headers["connection"]) == ("1", "close")
            begun.sendall(b'"dim":2}')
            assert one_answer(begun)[0] == 201
        asking.close()
        assert server.stop() == 0


def asked(connection: http.client.HTTPConnection, path: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON body of an answer on a connection that is kept."""
    connection.request("GET", path)
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, headers, json.loads(answer.read())
