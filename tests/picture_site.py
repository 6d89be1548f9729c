"""A web server on this machine with pictures, that remembers what it was asked for."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PictureSite:
    """The running server.

    Attributes:
        files: bytes by path; what is not there is answered with 404.
        asked: the paths, in order.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                data = site.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def put(self, path: str, data: bytes) -> str:
        """Serve these bytes at a path; the whole address."""
        self.files[path] = data
        return self.url(path)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.http.server_address[1]}{path}"


@contextmanager
def picture_site() -> Iterator[PictureSite]:
    """One that runs for as long as the block."""
    site = PictureSite()
    thread = threading.Thread(target=site.http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.http.shutdown()
        thread.join()
        site.http.server_close()
