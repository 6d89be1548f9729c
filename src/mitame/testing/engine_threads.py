"""Laws of threads: searches at once get what each would get alone, and leave others running."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from mitame.engines.protocol import Index, Rows
from mitame.neighbors import Neighbors
from mitame.testing.engine_case import EngineCase
from mitame.testing.engine_truth import check_equal

NEVER = 1_000.0
"""Seconds after which a thread that waits for the interpreter asks for it; a test is over then."""
TRIES = 50


class ThreadLaws(EngineCase):
    """Searches from several threads."""

    def test_threads(self) -> None:
        """Several threads that search one index at once get what each would get alone."""
        rows, queries = self.much_data()
        half = np.arange(len(rows)) % 2 > 0
        for engine, distance in self.each():
            index = self.large(engine, distance)
            filtered = {"effort": 0.0, "allow": half if engine.abilities.filters else None}
            asked = [
                (query[np.newaxis], arguments)
                for query in queries
                for arguments in ({"k": 8}, {"k": 3, "effort": 1.0}, {"k": 5, **filtered})
            ]

            def answer(each: tuple[Rows, Any], index: Index = index) -> Neighbors:
                return index.search(each[0], **each[1])

            alone = [answer(each) for each in asked]
            with ThreadPoolExecutor(4) as pool:
                together = list(pool.map(answer, asked * 4))
            for one, many in zip(alone * 4, together, strict=True):
                check_equal(many, one)

    def test_other_threads_run_meanwhile(self) -> None:
        """Where the engine says that it releases the interpreter's lock, it does.

        The interpreter is told never to take the lock away, so that another thread runs only if
        the search gives it up by itself.
        """
        rows, queries = self.much_data()
        many = np.concatenate([queries, rows[:20]])
        for engine, distance in self.each():
            if not engine.abilities.releases_gil:
                continue
            index = self.large(engine, distance)
            with _counting() as ticks:
                assert any(self._ticked(ticks, index.search, many) for _ in range(TRIES))

    @staticmethod
    def _ticked(ticks: Callable[[], int], search: Callable[..., object], queries: object) -> bool:
        before = ticks()
        search(queries, 10, effort=1.0)
        return ticks() > before


@contextmanager
def _counting() -> Iterator[Callable[[], int]]:
    """How often another thread got to run, which gives the lock back at once each time."""
    interval = sys.getswitchinterval()
    count, done = [0], threading.Event()

    def tick() -> None:
        while not done.is_set():
            count[0] += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    sys.setswitchinterval(NEVER)
    try:
        yield lambda: count[0]
    finally:
        sys.setswitchinterval(interval)
        done.set()
        thread.join()
