"""A writer beside the questions: items put over HTTP at a steady rate, each durable."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.making import NAME, attributes

_CONNECTIONS = 25
"""A put waits for the disk, and behind 64 questions: one after the other would be too slow."""


class Writer:
    """Puts until it is left; use it in a with block.

    Every other put replaces a random item; the others are new ones.

    Args:
        port: of the server.
        vectors: float32[n, dimension], to draw from.
        rate: puts per second; 0 for none.
    """

    def __init__(self, port: int, vectors: NDArray[np.float32], rate: float) -> None:
        self.puts = 0
        self.failed = 0
        self._port, self._vectors, self._rate = port, vectors, rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(_CONNECTIONS)]

    def _run(self, which: int) -> None:
        rng = np.random.default_rng([int(time.time()), which])
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        rate, number = self._rate / _CONNECTIONS, 0
        began = time.perf_counter() + which / self._rate
        while not self._stop.wait(max(0.0, began + number / rate - time.perf_counter())):
            item = int(rng.integers(len(self._vectors)))
            vector = self._vectors[int(rng.integers(len(self._vectors)))]
            name = str(item) if number % 2 else f"new-{item}"
            self._put(connection, name, vector, item)
            number += 1
        connection.close()

    def _put(
        self,
        connection: http.client.HTTPConnection,
        name: str,
        vector: NDArray[np.float32],
        item: int,
    ) -> None:
        body = {
            "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            "category": "new",
            "attributes": attributes(item),
        }
        headers = {"Content-Type": "application/json"}
        path = f"/v1/collections/{NAME}/items/{name}"
        connection.request("PUT", path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        self.puts += 1
        self.failed += answer.status != 200

    def __enter__(self) -> Self:
        if self._rate:
            for thread in self._threads:
                thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._rate:
            for thread in self._threads:
                thread.join()
