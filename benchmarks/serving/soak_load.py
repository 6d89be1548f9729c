"""Clients of the soak: each asks one thing after the other, drawn by a seed."""

from __future__ import annotations

import base64
import http.client
import io
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

VECTORS, PICTURES = "/v1/collections/vectors", "/v1/collections/pictures"
DIMENSION = 64
_SECONDS = 60.0
_MERGE_SECONDS = 5.0
_HELD_PICTURES = 50

Ask: TypeAlias = Callable[[], tuple[str, str, Any, tuple[int, ...]]]


class Client(threading.Thread):
    """Asks until it is stopped.

    Args:
        port: of the server.
        number: of the client; the first one merges, too.
        items: how many there are.
        pause: seconds between two requests.

    Attributes:
        counts: of requests by what was asked; those that were put off by 429 or 503 apart.
        failures: answers that should not have come.
    """

    def __init__(self, port: int, number: int, items: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._random = random.Random(number)
        self._drawing = np.random.default_rng(number)
        self._items, self._pause = items, pause
        self._merges, self._merged = number == 0, time.monotonic()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self._ends = threading.Event()
        self._kinds: dict[str, tuple[Ask, int]] = {
            "similar": (self._similar, 40),
            "query": (self._query, 15),
            "filtered": (self._filtered, 10),
            "put": (self._put, 10),
            "patch": (self._patch, 5),
            "remove": (self._remove, 2),
            "put picture": (self._put_picture, 4),
            "query picture": (self._query_picture, 3),
            "embed": (self._embed, 3),
            "scroll": (self._scroll, 2),
            "not there": (self._not_there, 3),
            "not json": (self._not_json, 3),
        }

    def run(self) -> None:
        """Ask."""
        names = list(self._kinds)
        weights = [weight for _, weight in self._kinds.values()]
        while not self._ends.wait(self._pause):
            if self._merges and time.monotonic() - self._merged > _MERGE_SECONDS:
                self._merged = time.monotonic()
                for collection in (VECTORS, PICTURES):
                    self._ask("merge", ("POST", f"{collection}/merge", {}, (202, 409)))
            name = self._random.choices(names, weights)[0]
            self._ask(name, self._kinds[name][0]())
        self._connection.close()

    def stop(self) -> None:
        """Wait for the last answer."""
        self._ends.set()
        self.join(_SECONDS)

    def _ask(self, name: str, asked: tuple[str, str, Any, tuple[int, ...]]) -> None:
        method, path, body, expected = asked
        try:
            status, answer = send(self._connection, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{name}: {error!r}")
            self._connection.close()
            return
        if status in (429, 503):
            self.counts["put off"] += 1
        elif status not in expected:
            self.failures.append(f"{name}: {status} {answer[:200]!r}")
        self.counts[name] += 1

    def _any(self) -> int:
        return self._random.randrange(self._items)

    def _vector(self) -> list[float]:
        return [float(x) for x in self._drawing.standard_normal(DIMENSION)]

    def _similar(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "GET", f"{VECTORS}/items/{self._any()}/similar?limit=10", None, (200, 404)

    def _query(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "POST", f"{VECTORS}/query", {"vector": self._vector(), "limit": 10}, (200,)

    def _filtered(self) -> tuple[str, str, Any, tuple[int, ...]]:
        kind = self._random.randrange(10)
        path = f"{VECTORS}/items/{self._any()}/similar?limit=10&category=kind-{kind}"
        return "GET", path, None, (200, 404)

    def _put(self) -> tuple[str, str, Any, tuple[int, ...]]:
        number = self._any()
        return "PUT", f"{VECTORS}/items/{number}", item(number, self._vector()), (200,)

    def _patch(self) -> tuple[str, str, Any, tuple[int, ...]]:
        body = {"attributes": {"price": self._random.randrange(1_000)}}
        return "PATCH", f"{VECTORS}/items/{self._any()}", body, (200, 404)

    def _remove(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "DELETE", f"{VECTORS}/items/{self._any()}", None, (200, 204, 404)

    def _put_picture(self) -> tuple[str, str, Any, tuple[int, ...]]:
        number = self._random.randrange(_HELD_PICTURES)
        return "PUT", f"{PICTURES}/items/{number}", {"image_base64": self._picture()}, (200,)

    def _query_picture(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "POST", f"{PICTURES}/query", {"image_base64": self._picture()}, (200,)

    def _embed(self) -> tuple[str, str, Any, tuple[int, ...]]:
        body = {"embedder": "color", "image_base64": self._picture()}
        return "POST", "/v1/embed", body, (200,)

    def _scroll(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "POST", f"{VECTORS}/items:scroll", {"limit": 100}, (200,)

    def _not_there(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "GET", f"/v1/collections/none-{self._any()}/items/1/similar", None, (404,)

    def _not_json(self) -> tuple[str, str, Any, tuple[int, ...]]:
        return "POST", f"{VECTORS}/query", b"{", (400,)

    def _picture(self) -> str:
        size = self._random.randrange(64, 512)
        pixels = self._drawing.integers(0, 256, (size, size, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG")
        return base64.b64encode(file.getvalue()).decode()


def item(number: int, vector: list[float]) -> dict[str, Any]:
    """The body of an item's PUT."""
    return {"vector": vector, "category": f"kind-{number % 10}", "attributes": {"price": number}}


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any
) -> tuple[int, bytes]:
    """Status and body of an answer; bytes are sent as they are, anything else as JSON."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    data = json.dumps(body) if body is not None and not isinstance(body, bytes) else body
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def fill(port: int, items: int) -> None:
    """Make the two collections, and the items of the one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    made = [
        send(connection, "PUT", VECTORS, {"dim": DIMENSION}),
        send(connection, "PUT", PICTURES, {"lenses": {"color": "color"}}),
    ]
    drawing = np.random.default_rng(0)
    for start in range(0, items, 500):
        numbers = range(start, min(start + 500, items))
        rows = drawing.standard_normal((len(numbers), DIMENSION))
        batch = [
            {"id": str(number), **item(number, [float(x) for x in row])}
            for number, row in zip(numbers, rows, strict=True)
        ]
        made.append(send(connection, "POST", f"{VECTORS}/items:batch", batch))
    connection.close()
    wrong = [answer for status, answer in made if status not in (200, 201)]
    if wrong:
        raise RuntimeError(f"the collections could not be made: {wrong[0][:300]!r}")
