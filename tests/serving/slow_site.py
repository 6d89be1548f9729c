"""A web server on this machine that keeps those who ask waiting, until a test lets it go."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving.item_server import picture
from tests.serving.running_server import SECONDS


class Site:
    """A web server on this machine that gives a picture when it is let go.

    Attributes:
        asked: is released with each request.
        let_go: paths whose requests may go.
        go: lets all go from now on.
    """

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let_go: set[str] = set()
        self.go = threading.Event()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.release()
                site.wait(self.path)
                data = picture(1)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    return  # whoever asked was killed

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/a.png"

    def wait(self, path: str) -> None:
        """Until a request may go."""
        end = time.monotonic() + SECONDS
        while path not in self.let_go and not self.go.wait(0.02) and time.monotonic() < end:
            pass


@contextmanager
def slow_site() -> Iterator[Site]:
    """One that runs for as long as the block."""
    made = Site()
    thread = threading.Thread(target=made.http.serve_forever)
    thread.start()
    yield made
    made.go.set()
    made.http.shutdown()
    thread.join()
    made.http.server_close()
