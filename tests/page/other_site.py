"""A site of another origin than mitame's, with a strict policy of its own: a shop's."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MEDIA = {"html": "text/html; charset=utf-8", "css": "text/css"}


@dataclass
class Site:
    """What it serves, which may change while it does.

    Attributes:
        origin: its address.
        files: by path, with the slash.
        policy: its header Content-Security-Policy.
        asked: paths that were asked for.
    """

    origin: str
    files: dict[str, str]
    policy: str = ""
    asked: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined] # ours
        site.asked.append(self.path)
        found = site.files.get(self.path)
        body = b"" if found is None else found.encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", _MEDIA.get(self.path.rpartition(".")[2], "text/plain"))
        self.send_header("Content-Security-Policy", site.policy)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def other_site(files: Mapping[str, str]) -> Iterator[Site]:
    """It runs on a port of its own, under the name ``localhost``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    site = Site(f"http://localhost:{server.server_address[1]}", dict(files))
    server.site = site  # type: ignore[attr-defined] # the handler's
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
