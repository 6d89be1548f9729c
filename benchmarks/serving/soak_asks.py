"""What the clients of the soak ask: all kinds of requests, drawn by a seed."""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

VECTORS, PICTURES = "/v1/collections/vectors", "/v1/collections/pictures"
DIMENSION = 64
HELD_PICTURES = 50
_BATCH = 20


@dataclass(frozen=True)
class Ask:
    """A request.

    Attributes:
        method, path: of HTTP.
        body: bytes as they are; anything else as JSON.
        expected: the status of its answer.
        absent: another one that is right, too: what is asked for is not there just now.
        headers: besides the content type.
        same_as: the body that the answer must have.
    """

    method: str
    path: str
    body: Any = None
    expected: int = 200
    absent: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    same_as: bytes | None = None


class Asks:
    """Draws requests.

    Args:
        number: of the client: the seed.
        items: how many there are.

    Attributes:
        kinds: what makes a request of each kind, and how often it is drawn.
    """

    def __init__(self, number: int, items: int) -> None:
        self.random = random.Random(number)
        self._drawing = np.random.default_rng(number)
        self._number, self._items = number, items
        self._asked = 0
        self._query_ids: list[str] = []
        self._done_once: Ask | None = None
        self.kinds: dict[str, tuple[Callable[[], Ask], int]] = {
            "similar": (self._similar, 40),
            "query": (self._query, 15),
            "filtered": (self._filtered, 10),
            "put": (self._put, 10),
            "patch": (self._patch, 5),
            "remove": (self._remove, 2),
            "batch": (self._batch, 1),
            "once": (self._once, 4),
            "put picture": (self._put_picture, 4),
            "query picture": (self._query_picture, 3),
            "embed": (self._embed, 3),
            "thumbnail": (self._thumbnail, 5),
            "scroll": (self._scroll, 2),
            "feedback": (self._feedback, 3),
            "nns": (self._nns, 5),
            "gannoy search": (self._gannoy_search, 3),
            "gannoy put": (self._gannoy_put, 3),
            "not there": (self._not_there, 3),
            "not json": (self._not_json, 3),
        }

    def draw(self) -> tuple[str, Ask]:
        """A request, and its kind."""
        weights = [weight for _, weight in self.kinds.values()]
        (kind,) = self.random.choices(list(self.kinds), weights)
        return kind, self.kinds[kind][0]()

    def answered(self, kind: str, ask: Ask, answer: bytes) -> None:
        """It was answered as expected: some later requests refer to that."""
        if kind == "query":
            self._query_ids = [*self._query_ids[-9:], json.loads(answer)["query_id"]]
        elif kind == "once":
            self._done_once = None if ask.same_as else replace(ask, same_as=answer)

    def _any(self) -> int:
        return self.random.randrange(self._items)

    def _vector(self) -> list[float]:
        return [float(x) for x in self._drawing.standard_normal(DIMENSION)]

    def _similar(self) -> Ask:
        return Ask("GET", f"{VECTORS}/items/{self._any()}/similar?limit=10", absent=(404,))

    def _query(self) -> Ask:
        return Ask("POST", f"{VECTORS}/query", {"vector": self._vector(), "limit": 10})

    def _filtered(self) -> Ask:
        kind = self.random.randrange(10)
        path = f"{VECTORS}/items/{self._any()}/similar?limit=10&category=kind-{kind}"
        return Ask("GET", path, absent=(404,))

    def _put(self) -> Ask:
        number = self._any()
        return Ask("PUT", f"{VECTORS}/items/{number}", item(number, self._vector()))

    def _patch(self) -> Ask:
        body = {"attributes": {"price": self.random.randrange(1_000)}}
        return Ask("PATCH", f"{VECTORS}/items/{self._any()}", body, absent=(404,))

    def _remove(self) -> Ask:
        return Ask("DELETE", f"{VECTORS}/items/{self._any()}", expected=204, absent=(404,))

    def _batch(self) -> Ask:
        numbers = [self._any() for _ in range(_BATCH)]
        rows = [{"id": str(number), **item(number, self._vector())} for number in numbers]
        return Ask("POST", f"{VECTORS}/items:batch", rows)

    def _once(self) -> Ask:
        """A PUT with an Idempotency-Key; and the next time the same again, answered the same."""
        if self._done_once is not None:
            return self._done_once
        self._asked += 1
        return replace(self._put(), headers={"Idempotency-Key": f"{self._number}-{self._asked}"})

    def _put_picture(self) -> Ask:
        return put_picture(self.random.randrange(HELD_PICTURES), self._picture())

    def _query_picture(self) -> Ask:
        return Ask("POST", f"{PICTURES}/query", {"image_base64": self._picture()})

    def _embed(self) -> Ask:
        return Ask("POST", "/v1/embed", {"embedder": "color", "image_base64": self._picture()})

    def _thumbnail(self) -> Ask:
        number, side = self.random.randrange(HELD_PICTURES), self.random.choice((64, 128, 256))
        return Ask("GET", f"{PICTURES}/items/{number}/thumbnail?side={side}")

    def _scroll(self) -> Ask:
        return Ask("POST", f"{VECTORS}/items:scroll", {"limit": 100})

    def _feedback(self) -> Ask:
        events = [
            {"type": "shown", "id": str(self._any()), "rank": 1},
            {"type": "clicked", "id": str(self._any())},
        ]
        query_id = self.random.choice(self._query_ids or ["of-the-shop"])
        return Ask("POST", f"{VECTORS}/feedback", {"query_id": query_id, "events": events})

    def _nns(self) -> Ask:
        path = f"/nns?category_id=vectors&product_id={self._any()}&limit=10"
        return Ask("GET", path, absent=(404,))

    def _gannoy_search(self) -> Ask:
        return Ask("GET", f"/search?database=vectors&key={self._any()}&limit=10", absent=(404,))

    def _gannoy_put(self) -> Ask:
        body = {"features": self._vector()}
        return Ask("PUT", f"/databases/vectors/features/{self._any()}", body)

    def _not_there(self) -> Ask:
        path = f"/v1/collections/none-{self._any()}/items/1/similar"
        return Ask("GET", path, expected=404)

    def _not_json(self) -> Ask:
        return Ask("POST", f"{VECTORS}/query", b"{", expected=400)

    def _picture(self) -> str:
        return drawn(self._drawing, self.random.randrange(64, 512))


def drawn(drawing: np.random.Generator, side: int) -> str:
    """Base64 of a JPEG with noise."""
    file = io.BytesIO()
    Image.fromarray(drawing.integers(0, 256, (side, side, 3), np.uint8)).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


def put_picture(number: int, picture: str) -> Ask:
    """The picture of an item."""
    return Ask("PUT", f"{PICTURES}/items/{number}", {"image_base64": picture})


def item(number: int, vector: list[float]) -> dict[str, Any]:
    """The body of an item's PUT."""
    return {"vector": vector, "category": f"kind-{number % 10}", "attributes": {"price": number}}
