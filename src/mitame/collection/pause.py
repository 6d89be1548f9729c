"""Something that is done when nobody has come for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pause:
    """Calls a function once, some seconds after the last `begin`. Thread-safe.

    One thread waits, and only while there is something to wait for.

    Args:
        seconds: how long the pause is.
        then: what is called, on a thread of its own.
    """

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self._seconds = seconds
        self._then = then
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._until = 0.0

    def begin(self) -> None:
        """It begins now, whether or not one is under way."""
        with self._lock:
            self._until = time.monotonic() + self._seconds
            if self._timer is None:
                self._wait(self._seconds)

    def end(self) -> None:
        """Nothing is called any more."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True  # a program that ends does not wait for it
        self._timer.start()

    def _look(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # ended meanwhile
            left = self._until - time.monotonic()
            if left > 0:
                self._wait(left)
                return
            self._timer = None
        self._then()
