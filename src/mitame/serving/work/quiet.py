"""Whether anybody asks the server anything, as the runner sees it."""

from __future__ import annotations

import time
from pathlib import Path

from mitame.serving.seeing.counters import read_counters
from mitame.serving.seeing.counting import CountingFolder

_REQUESTS, _IN_FLIGHT = "mitame_requests_total", "mitame_requests_in_flight"
_WATCHING = ('route="/healthz"', 'route="/readyz"', 'route="/metrics"', 'route="/version"')
"""Asked again and again by programs, at no cost: nobody waits because of them."""
_FILES_SECONDS = 2.0
"""Between two looks at which processes there are."""


class Quiet:
    """Tells for how long nothing has been asked. For one thread.

    Args:
        folder: where the processes count.
    """

    def __init__(self, folder: CountingFolder) -> None:
        self._folder = folder
        self._paths: list[Path] = []
        self._listed = float("-inf")
        self._count = -1.0
        self._since = time.monotonic()

    def seconds(self) -> float:
        """Since the last request that was seen; 0 while one is being answered."""
        now = time.monotonic()
        if now - self._listed >= _FILES_SECONDS:
            self._paths, self._listed = self._folder.living(), now
        count, in_flight = 0.0, 0.0
        for path in self._paths:
            for key, values in _numbers(path).items():
                if key == _IN_FLIGHT:
                    in_flight += values[0]
                elif key.startswith(_REQUESTS) and not any(each in key for each in _WATCHING):
                    count += values[0]
        if count != self._count or in_flight:
            self._count, self._since = count, now
        return now - self._since


def _numbers(path: Path) -> dict[str, list[float]]:
    try:
        return read_counters(path.read_bytes())
    except OSError:
        return {}
