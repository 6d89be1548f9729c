"""A hostile network: thousands of connections that send what no client should."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.serving.broken_requests import request
from tests.serving.limited_server import limited_server
from tests.serving.raw import connected, exchanged, statuses
from tests.serving.running_server import Server

CONNECTIONS = int(os.environ.get("MITAME_FUZZ_CONNECTIONS", "1000"))
"""Of the fuzzer; more for a longer look."""

SEED = int(os.environ.get("MITAME_FUZZ_SEED", "7"))
"""What is sent follows from it; another one sends something else."""

GROWTH_KB = 100_000
"""Memory that the server may have more of after the fuzzing; unbounded buffers would be more."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"read_seconds": 0.5, "keep_alive_seconds": 1, "body_mb": 1, "batch_body_mb": 1}
    with limited_server(tmp_path_factory.mktemp("data"), limits=limits, gannoy=True) as running:
        assert running.ask("PUT", "/v1/collections/x", {"dim": 2}).status == 201
        yield running


def test_thousands_of_bad_connections(server: Server) -> None:
    """After each hundred it answers; it never says 5xx but 503, and prints no traceback."""
    print("MITAME_FUZZ_SEED", SEED)
    chance = random.Random(SEED)
    before = memory_kb(server)
    for hundred in range(CONNECTIONS // 100):
        found: list[int] = []
        jobs = [[request(chance) for _ in range(4)] for _ in range(25)]
        threads = [threading.Thread(target=attack, args=(server, j, found)) for j in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.ask("GET", "/healthz").status == 200, hundred
        assert {status for status in found if status >= 500} <= {503}
        assert mistakes(server) == ""
    assert memory_kb(server) - before < GROWTH_KB


def attack(server: Server, sent: list[bytes], found: list[int]) -> None:
    for data in sent:
        found.extend(statuses(exchanged_early(server, data)))


def exchanged_early(server: Server, data: bytes) -> bytes:
    """Send it; leave before the answer now and then, as a hash of the data says."""
    if len(data) % 5:
        return exchanged(server.port, data)
    with connected(server.port) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        if len(data) % 2:
            connection.shutdown(socket.SHUT_WR)
    return b""


def mistakes(server: Server) -> str:
    """What was printed beside the access log; nothing, where all is well."""
    return "".join(line for line in server.lines[1:] if not line.startswith("{"))[-5_000:]


def memory_kb(server: Server) -> int:
    """Resident memory of the process that answers; 0 where the system does not tell.

    It is the one that was started: a `limited_server` is its one worker, without a supervisor.
    """
    status = Path(f"/proc/{server.process.pid}/status")
    if sys.platform != "linux":
        return 0
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


NAMES = (
    "..",
    ".",
    "../../etc/passwd",
    "..\\..\\x",
    "\0",
    "a\0b",
    "a" * 101,
    "a" * 10_000,
    "😀" * 300,
    "\u202egpj.exe",
    "\ud7ff\uffff",
    " ",
    "-rf",
    ".serving",
    "con",
    "x/../x",
    "a\nb",
    "%2e%2e",
    "ｘ",  # noqa: RUF001 - the point of it
)


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:20] for name in NAMES])
def test_no_name_leads_out(server: Server, name: str) -> None:
    """As a collection's name: refused, and nothing is made anywhere but in the data directory."""
    for raw in {quote(name, safe=""), quote(name, safe="/.")} - {"con"}:
        if raw.strip("./") == "":
            raw = raw.replace(".", "%2e")  # noqa: PLW2901 - a client would take the dots away
        before = listing(server)
        made = server.ask("PUT", f"/v1/collections/{raw}", {"dim": 2})
        assert 400 <= made.status < 500, made.body
        for method in ("GET", "DELETE"):
            assert 400 <= server.ask(method, f"/v1/collections/{raw}").status < 500
        assert listing(server) == before


OVERLONG = ("%c0%ae%c0%ae", "%e0%80%af", "%c0%80", "%ed%a0%80", "%f5%80%80%80", "%ff", "%fe%ff")


@pytest.mark.parametrize("raw", OVERLONG)
def test_bytes_that_are_no_utf8_are_no_name(server: Server, raw: str) -> None:
    """Overlong forms of dots and slashes, halves of characters: 404, in any place of a path."""
    for path_of in (f"/v1/collections/{raw}", f"/v1/collections/x/items/{raw}"):
        assert server.ask("GET", path_of).status == 404
        assert server.ask("DELETE", path_of).status == 404


def test_dots_as_they_are_lead_nowhere(server: Server) -> None:
    """A path is never resolved: its dots are sent raw, encoded, and encoded twice."""
    for raw in ("/v1/../../etc/passwd", "/v1/%2e%2e/%2e%2e/etc", "/v1/%252e%252e/x", "/./healthz"):
        assert server.ask("GET", raw).status == 404
    assert mistakes(server) == ""


def listing(server: Server) -> list[str]:
    """Everything in the data directory and beside it, but what the server keeps for itself."""
    parent = server.data.parent
    return sorted(str(p) for p in parent.rglob("*") if ".serving" not in p.parts)
