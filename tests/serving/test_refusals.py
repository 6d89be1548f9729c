"""Requests that a connection refuses are counted and logged as others are, each once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mitame.serving.seeing.exposition import parsed
from tests.serving.raw import HEAD, exchanged, problem_of
from tests.serving.running_runner import until
from tests.serving.running_server import Server

PUT = b"PUT /v1/collections/x HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD


def counted(server: Server, name: str, **labels: str) -> float:
    found = parsed(server.ask("GET", "/metrics").body.decode())
    return sum(s.value for s in found if s.name == name and labels.items() <= s.labels.items())


def lines_of(path: Path) -> list[Any]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if line["route"] != "/metrics"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed_request"),
        (b"GET /healthz HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 400_000, 431, "headers_too_large"),
    ],
)
def test_what_no_route_has_seen(tmp_path: Path, sent: bytes, status: int, code: str) -> None:
    """One line with the id and size of the answer, none of what was sent; both metrics count."""
    log = tmp_path / "access.log"
    with Server(tmp_path / "data", "--access-log", str(log)) as server:
        answer = exchanged(server.port, sent)
        told = problem_of(answer)
        until(lambda: counted(server, "mitame_refused_total", code=code) == 1, "it is counted")
        asked = {"route": "none", "method": "other", "status": str(status)}
        assert counted(server, "mitame_requests_total", **asked) == 1
        assert counted(server, "mitame_request_duration_seconds_count", route="none") == 1
    (line,) = lines_of(log)
    assert (line["status"], line["method"], line["route"]) == (status, "other", "")
    assert (line["request_id"], line["address"]) == (told["request_id"], "127.0.0.1")
    assert line["bytes"] == len(answer.rpartition(b"\r\n\r\n")[2])
    assert line["caller"] == "nobody"


def test_a_body_that_breaks_is_one_request(tmp_path: Path) -> None:
    """The application has begun with it: its own line stays the only one, with its route."""
    log = tmp_path / "access.log"
    with Server(tmp_path / "data", "--access-log", str(log)) as server:
        exchanged(server.port, PUT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        broken = {"code": "malformed_request"}
        until(lambda: counted(server, "mitame_refused_total", **broken) == 1, "it is counted")
        assert counted(server, "mitame_requests_total", route="none") == 0
    (line,) = lines_of(log)
    assert (line["method"], line["route"]) == ("PUT", "/v1/collections/{collection}")


def test_what_comes_behind_a_good_request(tmp_path: Path) -> None:
    """Two lines: that of the request that was answered, and that of the garbage after it."""
    log = tmp_path / "access.log"
    with Server(tmp_path / "data", "--access-log", str(log)) as server:
        exchanged(server.port, b"GET /version HTTP/1.1\r\n" + HEAD + b"\r\n\x00garbage\r\n\r\n")
        broken = {"code": "malformed_request"}
        until(lambda: counted(server, "mitame_refused_total", **broken) == 1, "it is counted")
    assert sorted((line["route"], line["status"]) for line in lines_of(log)) == [
        ("", 400),
        ("/version", 200),
    ]
