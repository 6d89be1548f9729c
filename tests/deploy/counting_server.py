"""A server that stands for mitame behind a proxy, and counts what it is asked."""

from __future__ import annotations

import http.server
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Behavior:
    """What the server does now.

    Attributes:
        status: of its answers.
        tag: their ETag.
        seen: requests, in their order.
    """

    status: int = 200
    tag: str = '"1"'
    seen: list[Seen] = field(default_factory=list)


class CountingServer:
    """Answers every request with who asked for what; use it in a with block."""

    def __init__(self, port: int = 0) -> None:
        self.now = Behavior()
        behavior = self.now

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self.rfile.read(length))
                behavior.seen.append(seen)
                fresh = headers.get("if-none-match") == behavior.tag
                status = 304 if fresh and behavior.status == 200 else behavior.status
                who = headers.get("authorization") or headers.get("api-key") or "anybody"
                body = f"{self.path} for {who}, {behavior.tag}".encode()
                self.send_response(status)
                self.send_header("ETag", behavior.tag)
                self.send_header("Cache-Control", "no-cache")
                self.send_header("X-Request-Id", f"server-{len(behavior.seen)}")
                self.send_header("Content-Length", "0" if status == 304 else str(len(body)))
                self.end_headers()
                if status != 304 and self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
