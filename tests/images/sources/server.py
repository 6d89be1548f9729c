"""A real HTTP server on this machine that behaves well and badly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.images.sources.pictures import picture


class Handler(BaseHTTPRequestHandler):
    """Each path is one behaviour."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined] # ours
        behaviour = getattr(self, "do_" + url.path.strip("/").replace("-", "_"), None)
        self.close_connection = True
        try:
            if behaviour is None:
                self.answer(404, b"nothing here")
            else:
                behaviour({key: values[0] for key, values in parse_qs(url.query).items()})
        except OSError:
            pass  # the other side has heard enough

    def answer(self, status: int, body: bytes, **headers: object) -> None:
        self.send_response(status)
        for name, value in {"content_length": len(body), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_ok(self, query: dict[str, str]) -> None:
        self.answer(200, picture(), content_type="image/png")

    def do_bytes(self, query: dict[str, str]) -> None:
        self.answer(200, b"x" * int(query["n"]))

    def do_status(self, query: dict[str, str]) -> None:
        self.answer(int(query["n"]), b"")

    def do_to(self, query: dict[str, str]) -> None:
        self.answer(int(query.get("status", 302)), b"", location=query["url"])

    def do_hops(self, query: dict[str, str]) -> None:
        left = int(query["n"])
        self.answer(302, b"", location=f"/hops?n={left - 1}" if left else "/ok")

    def do_lost(self, query: dict[str, str]) -> None:
        self.answer(302, b"")

    def do_announced(self, query: dict[str, str]) -> None:
        self.answer(200, b"", content_length=query["n"])

    def do_endless(self, query: dict[str, str]) -> None:
        self.answer(200, b"", content_length=None)
        while True:
            self.wfile.write(b"x" * 65536)

    def do_short(self, query: dict[str, str]) -> None:
        self.answer(200, b"only this", content_length=1000)

    def do_packed(self, query: dict[str, str]) -> None:
        self.answer(200, b"\x1f\x8b", content_encoding="gzip")

    def do_drip(self, query: dict[str, str]) -> None:
        self.answer(200, b"", content_length=10**6)
        for _ in range(400):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.02)

    def do_drip_header(self, query: dict[str, str]) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(400):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.02)

    def do_nonsense(self, query: dict[str, str]) -> None:
        self.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")

    def log_message(self, *words: object) -> None:
        """Keep the tests' output clean."""


class Server(ThreadingHTTPServer):
    """Remembers what it was asked, path and headers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving() -> Iterator[Server]:
    """The server, running on a thread."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
