"""A collection, and an nginx that answers from its neighbour table."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

import mitame
from tests.deploy.running_nginx import NGINX, SECONDS, Nginx, configured, free_port

ODD_IDS = (
    "a/b",
    'say "x"',
    "back\\slash",
    "日本",
    "..",
    "50%",
    "a b+c",
    "?&=",
    "🦊",
    "مرحبا",
    "\u07ff",
)
NOBODY = "127.0.0.1:1"


def fill(data: Path, name: str, count: int = 40, *, seed: int = 0) -> None:
    """Make a collection, with items of three categories and odd ids, and merge it."""
    drawn = np.random.default_rng(seed)
    with mitame.open(data, name, lenses={"look": "vectors:4"}) as collection:
        for number, item in enumerate([*(f"p{n}" for n in range(count)), *ODD_IDS]):
            collection.add(item, vector=drawn.normal(size=4), category=f"kind {number % 3}")
        collection.store.merge()


@contextmanager
def inside(
    folder: Path, data: Path, *, upstream: str | None = None, name: str = "shop"
) -> Iterator[Inside]:
    """An nginx over a data directory, whose usual collection is `name`.

    Args:
        folder: for nginx.
        data: the data directory.
        upstream: address of who is asked for the rest; None for nobody.
        name: of the collection.
    """
    port = free_port()
    changes = {
        "/usr/share/mitame/lua": str(NGINX / "lua"),
        "/var/lib/mitame": str(data),
        'collection = "default"': f'collection = "{name}"',
        "look_ms = 100": "look_ms = 10",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8000": upstream or NOBODY,
    }
    if upstream is None:
        changes['upstream = "@mitame",'] = ""
    with Nginx(folder, configured("inside.conf", changes), port, lua=True) as nginx:
        yield Inside(nginx)


class Inside:
    """Asks an nginx."""

    def __init__(self, nginx: Nginx) -> None:
        self.nginx = nginx

    def get(self, query: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and body for a query string."""
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.port, timeout=SECONDS)
        try:
            connection.request(method, f"/nns?{query}")
            answer = connection.getresponse()
            assert answer.getheader("Content-Type") == "application/json"
            return answer.status, answer.read()
        finally:
            connection.close()

    def ids(self, product: str, limit: int = 10, category: str = "") -> Any:
        """The ids of an answer, or its status where it is none."""
        query = f"category_id={quote(category, safe='')}&product_id={quote(product, safe='')}"
        status, body = self.get(f"{query}&limit={limit}")
        return json.loads(body) if status == 200 else status

    def wait(self, what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < until, self.nginx.log.read_text()
            time.sleep(0.01)

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return self.nginx.workers()
