"""Requests that no client should send, drawn by a seed: for tests of a hostile network."""

from __future__ import annotations

import random

from tests.serving.raw import HEAD

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
