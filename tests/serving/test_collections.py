"""Collections over HTTP, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.running_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as running:
        yield running


def test_made_described_listed_dropped(server: Server) -> None:
    """A collection's whole life."""
    assert server.ask("GET", "/v1/collections").json() == {"collections": []}
    made = server.ask("PUT", "/v1/collections/shop", {"dim": 4})
    assert made.status == 201, made.body
    assert made.json()["lenses"]["vectors"]["dimension"] == 4
    assert server.ask("PUT", "/v1/collections/shop", {"dim": 4}).status == 409
    assert server.ask("GET", "/v1/collections/shop").json()["items"] == 0
    assert server.ask("GET", "/v1/collections").json() == {"collections": ["shop"]}
    assert server.ask("DELETE", "/v1/collections/shop").status == 204
    assert server.ask("GET", "/v1/collections/shop").status == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/collections/none", 404, "collection_not_found"),
        ("GET", "/nothing/here", 404, "route_not_found"),
        ("PATCH", "/v1/collections", 405, "method_not_allowed"),
        ("GET", "/v1/collections/..%2F..%2Fetc", 404, "collection_not_found"),
        ("GET", "/v1/collections/%ff", 404, "route_not_found"),
    ],
)
def test_problems(server: Server, method: str, path: str, status: int, code: str) -> None:
    """A wrong request gets a problem with a stable code, a remedy and the request's id."""
    answer = server.ask(method, path)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_stops_cleanly(tmp_path: Path) -> None:
    """SIGTERM ends it with status 0."""
    with Server(tmp_path) as server:
        assert server.stop() == 0
