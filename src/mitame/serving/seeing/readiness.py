"""Whether this process can answer."""

from __future__ import annotations

import threading
import time

from mitame.errors import MitameError
from mitame.serving.registry import OpenCollections
from mitame.serving.state import State

FRESH_SECONDS = 1.0
_LOOKED_AT = 100
"""Collections that are tried; a data directory with more is not read through at each question."""


class Readiness:
    """Answers questions of load balancers, at most once a second from the disk. Thread-safe.

    Args:
        state, collections: of the service.
    """

    def __init__(self, state: State, collections: OpenCollections) -> None:
        self._state = state
        self._collections = collections
        self._lock = threading.Lock()
        self._found: str | None = None
        self._looked = float("-inf")
        self.stopping = False

    def problem(self) -> str | None:
        """Why it can't answer; None where it can. It names no collection: anybody may ask."""
        if self.stopping:
            return "it is stopping"
        with self._lock:
            if time.monotonic() - self._looked >= FRESH_SECONDS:
                self._found = self._look()
                self._looked = time.monotonic()
            return self._found

    def _look(self) -> str | None:
        try:
            self._state.version()
            names = self._collections.names()
        except MitameError:
            return "the data directory can't be read"
        broken = [name for name in names[:_LOOKED_AT] if not self._opens(name)]
        # One damaged collection of many must not take the others from the net.
        if broken and len(broken) == len(names[:_LOOKED_AT]):
            return "no collection can be opened"
        return None

    def _opens(self, name: str) -> bool:
        try:
            with self._collections.opened(name).store.pin():
                return True
        except MitameError:
            return False
