"""Behind a proxy, below a prefix, on screens of all kinds: addresses and pictures are right."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from mitame.demo.drawn import DrawnItem
from tests.page.acting import changed, drop
from tests.page.browser import DESKTOP, Browser
from tests.serving.running_server import Server

PREFIX = "/looks/like"


class Proxy(BaseHTTPRequestHandler):
    """Passes on what is below the prefix, without it; all else is not there."""

    port = 0

    def pass_on(self) -> None:
        """One request and its answer."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if not self.path.startswith(PREFIX + "/"):
            self.send_error(404)
            return
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        asked.request(
            self.command, self.path.removeprefix(PREFIX), body, dict(self.headers.items())
        )
        answer = asked.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        asked.close()

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def proxied(port: int) -> Iterator[str]:
    """The address of a server's page behind a proxy."""
    handler = type("Handler", (Proxy,), {"port": port})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}/"
        finally:
            server.shutdown()
            thread.join()


def test_it_works_below_a_prefix(window: Browser, shop: Server, drawn: list[DrawnItem]) -> None:
    """Files, questions, pictures and links all go through the proxy, as everything else is lost."""
    with proxied(shop.port) as address:
        window.look(*DESKTOP)
        window.problems()
        window.open(address)
        assert len(window.ids()) == 24
        window.one(".tile-link").click()
        changed(window)
        assert window.driver.current_url.startswith(address)
        item = next(each for each in drawn if each.id.endswith("-2"))
        window.open(address)
        drop(window, item.path)
        assert window.ids()[0] == item.id.removesuffix("2") + "1"
        window.painted()
        asked = window.run(
            "return performance.getEntriesByType('resource').map(({ name }) => name)"
        )
        assert all(each.startswith((address, "blob:")) for each in asked)
        assert window.problems() == []
        window.driver.get("about:blank")


def test_rows_fill_the_width(page: Browser, shop: Server) -> None:
    """At any width, with fractions of pixels, too: rows but the last end where the grid does."""
    rows = """
      const grid = document.querySelector(".grid").getBoundingClientRect();
      const rows = new Map();
      for (const tile of document.querySelectorAll('.tile')) {
        const { top, right, height } = tile.querySelector('.frame').getBoundingClientRect();
        rows.set(top, { gap: grid.right - right, height });
      }
      return [...rows.values()];
    """
    for width in (320, 390, 768, 1001, 1280, 1599):
        page.look(width, 900)
        page.open(f"{shop.url}/#search?seed=5&limit=48")
        found = page.run(rows)
        assert len(found) > 2
        assert all(-0.5 <= each["gap"] < 2 for each in found[:-1]), (width, found)


def test_pictures_are_as_sharp_as_the_screen(page: Browser, shop: Server) -> None:
    """At two pixels for one, thumbnails have twice the side; few different sides are asked for."""
    sides = {}
    for scale in (1, 2):
        page.look(*DESKTOP, scale=scale)
        page.open(f"{shop.url}/#search?seed=5")
        page.painted()
        sources = page.run(
            "return [...document.querySelectorAll('.grid img')].map(({ src }) => src)"
        )
        sides[scale] = {int(parse_qs(urlsplit(each).query)["side"][0]) for each in sources}
        shown = page.run("return document.querySelector('.grid .frame').clientWidth")
        assert min(sides[scale]) >= shown * scale
        assert len(sides[scale]) == 1
    assert max(sides[2]) > max(sides[1])
