"""Clients that ask, search, write and send pictures without a pause, while something happens."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
from collections import Counter
from collections.abc import Set
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

import mitame
from mitame.collection import Item, ItemImage, Put
from tests.serving.item_server import OWN, PICTURES, picture, text
from tests.serving.processes import until
from tests.serving.running_server import SECONDS, Server

ROWS, DIMENSION = 8_000, 64
HELD = 50
"""Items that each client writes, over and over."""

Asked: TypeAlias = tuple[str, str, Any]
"""Method, path, body."""


def filled(data: Path) -> None:
    """The collection of vectors, with so many rows that a merge of it takes its time."""
    rows = np.random.default_rng(1).standard_normal((ROWS, DIMENSION), np.float32)
    name, lenses = OWN.rpartition("/")[2], {"vectors": f"vectors:{DIMENSION}"}
    images = [
        ItemImage({"vectors": row}, content_hash=str(number)) for number, row in enumerate(rows)
    ]
    with mitame.open(data, name, lenses=lenses) as shop:
        shop.store.append(
            [Put(Item(f"i{number}", images=(image,))) for number, image in enumerate(images)]
        )


class Client(threading.Thread):
    """One of them, on a connection that it keeps as long as it may.

    Attributes:
        counts: of right answers, by kind.
        failures: everything else; it goes on after it.
        written: of each item that it has put, the numbers that may be found: the one of the last
            PUT that was acknowledged (None before there is one), and those of later ones that got
            no answer.
    """

    def __init__(self, port: int, number: int, prefix: str, ends: threading.Event) -> None:
        super().__init__(daemon=True)
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.written: dict[str, list[int | None]] = {}
        self._prefix, self._ends = f"{prefix}-{number}", ends
        self._random, self._drawing = random.Random(number), np.random.default_rng(number)
        self._puts = 0
        self._pictures = [text(picture(seed)) for seed in range(5)]
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._kinds = {
            "similar": (self._similar, 12),
            "query": (self._query, 4),
            "put": (self._put, 4),
            "picture": (self._picture, 1),
            "ready": (lambda: ("GET", "/readyz", None), 1),
        }

    @property
    def kinds(self) -> Set[str]:
        """Of what it asks."""
        return self._kinds.keys()

    def run(self) -> None:
        """Ask until the end."""
        weights = [weight for _, weight in self._kinds.values()]
        while not self._ends.is_set():
            (kind,) = self._random.choices(list(self._kinds), weights)
            asked = self._kinds[kind][0]()
            problem = self._problem(*asked)
            if problem:
                self.failures.append(f"{kind}: {problem}")
            else:
                self.counts[kind] += 1
            if kind == "put":
                self._note(asked, is_acknowledged=not problem)
        self._connection.close()

    def _problem(self, method: str, path: str, body: Any) -> str:
        """What is wrong with the answer; nothing where it is a 200."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, body and json.dumps(body), headers)
            answer = self._connection.getresponse()
            found = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"no answer: {error!r}"
        return "" if answer.status == 200 else f"{answer.status} {found[:200]!r}"

    def _similar(self) -> Asked:
        return "GET", f"{OWN}/items/i{self._random.randrange(ROWS)}/similar?limit=5", None

    def _query(self) -> Asked:
        return "POST", f"{OWN}/query", {"vector": self._vector(), "limit": 5}

    def _put(self) -> Asked:
        self._puts += 1
        name = f"{self._prefix}-{self._random.randrange(HELD)}"
        body = {"vector": self._vector(), "attributes": {"number": self._puts}}
        return "PUT", f"{OWN}/items/{name}", body

    def _picture(self) -> Asked:
        body = {"image_base64": self._random.choice(self._pictures)}
        return "PUT", f"{PICTURES}/items/{self._prefix}", body

    def _vector(self) -> list[float]:
        return [float(x) for x in self._drawing.standard_normal(DIMENSION)]

    def _note(self, asked: Asked, *, is_acknowledged: bool) -> None:
        _, path, body = asked
        number = body["attributes"]["number"]
        before = [] if is_acknowledged else self.written.get(path, [None])
        self.written[path] = [*before, number]


class MixedLoad:
    """Clients at work for as long as a with block.

    Args:
        server: that is asked; it has the collections of `filled`, and one of pictures.
        clients: how many.
    """

    def __init__(self, server: Server, clients: int = 6) -> None:
        self._ends = threading.Event()
        prefix = secrets.token_hex(4)  # what it writes is its own
        self._clients = [
            Client(server.port, number, prefix, self._ends) for number in range(clients)
        ]

    @property
    def counts(self) -> Counter[str]:
        """Right answers so far, by kind."""
        return sum((Counter(client.counts) for client in self._clients), Counter())

    @property
    def failures(self) -> list[str]:
        """All answers that were not right, and requests without one."""
        return [text for client in self._clients for text in client.failures]

    @property
    def written(self) -> dict[str, list[int | None]]:
        """As of a client, of all of them."""
        return {path: told for client in self._clients for path, told in client.written.items()}

    def more(self, count: int) -> None:
        """Wait for so many more answers, and one of each kind."""
        before = self.counts

        def holds() -> bool:
            new = self.counts - before
            return new.total() >= count and len(new) == len(self._clients[0].kinds)

        until(holds, f"{count} more answers")

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for client in self._clients:
            client.join()
