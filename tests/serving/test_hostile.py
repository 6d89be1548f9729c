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

from tests.serving.limited_server import limited_server
from tests.serving.raw import HEAD, connected, exchanged, statuses
from tests.serving.running_server import Server

CONNECTIONS = int(os.environ.get("MITAME_FUZZ_CONNECTIONS", "1000"))
"""Of the fuzzer; more for a longer look."""

GROWTH_KB = 100_000
"""Memory that the server may have more of after the fuzzing; unbounded buffers would be more."""

X = b"/v1/collections/x"
ROUTES = (
    (b"GET", b"/healthz"),
    (b"GET", b"/v1/collections"),
    (b"PUT", X),
    (b"DELETE", b"/v1/collections/y"),
    (b"PUT", X + b"/items/1"),
    (b"PATCH", X + b"/items/1"),
    (b"GET", X + b"/items/1"),
    (b"DELETE", X + b"/items/2"),
    (b"GET", X + b"/items/1/similar?limit=10"),
    (b"POST", X + b"/items:batch"),
    (b"POST", X + b"/items:scroll"),
    (b"POST", X + b"/items:count"),
    (b"POST", X + b"/query"),
    (b"POST", X + b"/query:batch"),
    (b"POST", X + b"/duplicates"),
    (b"POST", X + b"/feedback"),
    (b"GET", X + b"/generations"),
    (b"POST", b"/v1/embed"),
    (b"GET", b"/v1/jobs/1"),
    (b"GET", b"/nns?category_id=x&product_id=1"),
    (b"PUT", b"/databases/x/features/1"),
    (b"POST", b"/databases/x/features"),
    (b"GET", b"/search?database=x&id=1"),
    (b"GET", b"/openapi.json"),
    (b"GET", b"/metrics"),
)
METHODS = (b"GET", b"PUT", b"POST", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"BREW", b"CONNECT")
TYPES = (
    b"application/json",
    b"application/json; charset=utf-16",
    b"application/json; charset=none",
    b"application/x-ndjson",
    b"application/octet-stream",
    b"image/png",
    b"multipart/form-data",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data; boundary=" + b"x" * 500,
    b"text/plain",
    b"\xff\xfe",
    b"",
)
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"dim":2}',
    b'{"vector":[1,2]}',
    b'{"vector":[NaN,1e999]}',
    b'{"vector":"' + b"A" * 1_000 + b'"}',
    b'{"id":"\xff\xfe"}',
    b'{"id":"\\ud800"}',
    "{}".encode("utf-16"),
    b"[" * 20_000,
    b'{"a":' * 5_000,
    b"1" * 10_000,
    b"\0" * 1_000,
    b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\nabc\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=image; filename=../../a\r\n\r\n",
    b"--x\r\n" + b"A: b\r\n" * 2_000,
    b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
)
SECRETS = (
    b"Authorization: Bearer x",
    b"Authorization: Basic eDp4",
    b"api-key: \xff\xff",
    b"api-key:",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"read_seconds": 0.5, "keep_alive_seconds": 1, "body_mb": 1, "batch_body_mb": 1}
    with limited_server(tmp_path_factory.mktemp("data"), limits=limits, gannoy=True) as running:
        assert running.ask("PUT", "/v1/collections/x", {"dim": 2}).status == 201
        yield running


def test_thousands_of_bad_connections(server: Server) -> None:
    """After each hundred it answers; it never says 5xx but 503, and prints no traceback."""
    chance = random.Random(7)
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


def request(chance: random.Random) -> bytes:
    """One connection's bytes: a request, changed in one or more of the ways that break it."""
    body = chance.choice(BODIES)
    headers = [
        b"Content-Type: " + chance.choice(TYPES),
        b"Connection: close",
        *framing(chance, body),
    ]
    if chance.random() < 0.3:
        headers.append(chance.choice(SECRETS))
    if chance.random() < 0.1:
        headers += chance.choices(ODD_HEADERS, k=2)
    chance.shuffle(headers)
    method, route = chance.choice(ROUTES)
    if chance.random() < 0.1:
        method = chance.choice(METHODS)
    line = b" ".join([method, path(chance, route), version(chance)])
    if headers and headers[-1] == b"Transfer-Encoding: chunked":
        body = chunked(chance, body)
    data = b"\r\n".join([line, HEAD.strip(), *headers, b"", body])
    return broken(chance, data)


ODD_HEADERS = (
    b"X: " + b"a" * 40_000,
    b"X" * 40_000 + b": a",
    b": empty",
    b"Space : before",
    b" folded",
    b"Nul: a\0b",
    b"Bare: a\rb",
    b"Utf8: \xc3\xa9\xf0\x9f\x98\x80",
    b"Expect: 100-continue",
    b"Expect: 200-nonsense",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Content-Encoding: gzip",
    b"If-Match: \xff",
    b"Idempotency-Key: " + b"k" * 9_000,
    b"Accept-Encoding: " + b"gzip;q=x," * 500,
    b"Range: bytes=9999999999999999999999-1",
    b"X-Request-Id: \xff\r\nOrigin: http://[",
    b"X-Forwarded-For: " + b"1," * 5_000,
    b"Cookie: \x01",
)


def framing(chance: random.Random, body: bytes) -> list[bytes]:
    """Lengths: right, wrong, twice, none, chunked, both."""
    size = len(body)
    choices: list[list[bytes]] = [
        [b"Content-Length: %d" % size],
        [b"Content-Length: %d" % (size + 10)],
        [b"Content-Length: %d" % max(0, size - 1)],
        [b"Content-Length: %d" % size, b"Content-Length: 1"],
        [b"Content-Length: 99999999999999999999999"],
        [b"Content-Length: 5000000000"],
        [b"Content-Length: +1"],
        [b"Content-Length: 0x10"],
        [b"Content-Length: "],
        [],
        [b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 3"],
        [b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"Transfer-Encoding: chunked, chunked"],
    ]
    return chance.choices(choices, weights=[40] + [1] * 9 + [12] + [1] * 4)[0]


def chunked(chance: random.Random, body: bytes) -> bytes:
    """Chunks: right ones, and bad sizes, extensions, trailers and ends."""
    size = b"%x" % len(body)
    end = b"\r\n0\r\n\r\n"
    return chance.choice(
        [
            size + b"\r\n" + body + end,
            size + b";" + b"e" * 50_000 + b"\r\n" + body + end,
            b"ffffffffffffffffff\r\n" + body,
            b"-1\r\n" + body,
            b"\r\n",
            b"5\r\n" + body,
            size + b"\n" + body + b"\n0\n\n",
            b"1\r\n{\r\n" * 3_000,
            size + b"\r\n" + body + b"\r\n0\r\n" + b"Trailer: x\r\n" * 3_000 + b"\r\n",
        ]
    )


def path(chance: random.Random, route: bytes) -> bytes:
    if chance.random() < 0.8:
        return route
    odd = (
        b"/..",
        b"%00",
        b"%ff",
        b"%",
        b"%2",
        b"\x80",
        b"//",
        b"?a=%ff&a=%ff",
        b"#",
        b"\\",
        b"?" * 99,
    )
    return chance.choice(
        [route + chance.choice(odd), b"*", b"", b"http://x" + route, b"x:" + route, b"a" * 20_000]
    )


def version(chance: random.Random) -> bytes:
    odd = (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2", b"HTTP/9.9", b"http/1.1", b"", b"\0")
    return b"HTTP/1.1" if chance.random() < 0.95 else chance.choice(odd)


def broken(chance: random.Random, data: bytes) -> bytes:
    """As it is; cut off; a byte changed; lines ended otherwise; garbage before or behind."""
    place = chance.randrange(len(data))
    return chance.choice(
        [
            *[data] * 8,
            data[:place],
            data[:place] + chance.randbytes(1) + data[place + 1 :],
            data.replace(b"\r\n", b"\n"),
            chance.randbytes(50) + data,
            data.replace(b"Connection: close", b"A: b") + chance.randbytes(200),
            data.replace(b"Connection: close", b"A: b") * 3,
        ]
    )


def mistakes(server: Server) -> str:
    """What was printed beside the access log; nothing, where all is well."""
    return "".join(line for line in server.lines[1:] if not line.startswith("{"))[-5_000:]


def memory_kb(server: Server) -> int:
    """Resident memory of the server; 0 where the system does not tell."""
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
