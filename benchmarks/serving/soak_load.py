"""Clients of the soak: each asks one thing after the other, drawn by a seed."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Set

import numpy as np

from benchmarks.serving.soak_asks import (
    DIMENSION,
    HELD_PICTURES,
    PICTURES,
    VECTORS,
    Ask,
    Asks,
    drawn,
    item,
    put_picture,
)

PUT_OFF, ABSENT = "put off", "absent"
"""What counts apart: answered by 429 or 503; right, but what was asked for was not there."""
_MERGE = "merge"
_SECONDS = 60.0
_MERGE_SECONDS = 5.0


class Client(threading.Thread):
    """Asks until it is stopped.

    Args:
        port: of the server.
        number: of the client; the first one merges, too.
        items: how many there are.
        pause: seconds between two requests.

    Attributes:
        counts: of right answers by what was asked, and of `PUT_OFF` and `ABSENT`.
        failures: answers that should not have come.
    """

    def __init__(self, port: int, number: int, items: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._asks, self._pause = Asks(number, items), pause
        self._merges, self._merged = number == 0, time.monotonic()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self._ends = threading.Event()

    @property
    def kinds(self) -> Set[str]:
        """Of what it asks."""
        return {*self._asks.kinds, *([_MERGE] if self._merges else [])}

    def run(self) -> None:
        """Ask."""
        while not self._ends.wait(self._pause):
            if self._merges and time.monotonic() - self._merged > _MERGE_SECONDS:
                self._merged = time.monotonic()
                for collection in (VECTORS, PICTURES):
                    merge = Ask("POST", f"{collection}/merge", {}, 202)
                    self._ask(_MERGE, merge)
            self._ask(*self._asks.draw())
        self._connection.close()

    def stop(self) -> None:
        """Wait for the last answer."""
        self._ends.set()
        self.join(_SECONDS)

    def _ask(self, kind: str, ask: Ask) -> None:
        try:
            status, answer = send(self._connection, ask)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{kind}: {error!r}")
            self._connection.close()
            return
        self.take(kind, ask, status, answer)

    def take(self, kind: str, ask: Ask, status: int, answer: bytes) -> None:
        """Judge an answer."""
        if status in (429, 503):
            self.counts[PUT_OFF] += 1
        elif status in ask.absent:
            self.counts[ABSENT] += 1
        elif status != ask.expected or ask.same_as not in (None, answer):
            self.failures.append(f"{kind}: {status} {answer[:200]!r}")
        else:
            self.counts[kind] += 1
            self._asks.answered(kind, ask, answer)


def send(connection: http.client.HTTPConnection, ask: Ask) -> tuple[int, bytes]:
    """Status and body of an answer."""
    body, headers = ask.body, dict(ask.headers)
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = body if isinstance(body, bytes) else json.dumps(body)
    connection.request(ask.method, ask.path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def fill(port: int, items: int) -> None:
    """Make the two collections, and their items.

    Raises:
        RuntimeError: the server refuses one.
    """
    drawing = np.random.default_rng(0)
    asks = [
        Ask("PUT", VECTORS, {"dim": DIMENSION}, 201),
        Ask("PUT", PICTURES, {"lenses": {"color": "color"}}, 201),
        *(put_picture(number, drawn(drawing, 300)) for number in range(HELD_PICTURES)),
    ]
    for start in range(0, items, 500):
        numbers = range(start, min(start + 500, items))
        rows = drawing.standard_normal((len(numbers), DIMENSION))
        batch = [
            {"id": str(number), **item(number, [float(x) for x in row])}
            for number, row in zip(numbers, rows, strict=True)
        ]
        asks.append(Ask("POST", f"{VECTORS}/items:batch", batch))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    for ask in asks:
        status, answer = send(connection, ask)
        if status != ask.expected:
            raise RuntimeError(f"the collections could not be made: {answer[:300]!r}")
    connection.close()
