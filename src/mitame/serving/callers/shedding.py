"""Shares: how often somebody may do something, in bounded memory."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

_MOST = 10_000


class Buckets:
    """A token bucket for each one who asks. Not for several threads.

    Args:
        per_second: tokens that a bucket gets.
        burst: tokens that it holds.
        most: buckets that are remembered; beyond, those that were used the longest time ago are
            forgotten, so that inventing names costs no memory.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        per_second: float,
        burst: float,
        *,
        most: int = _MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = per_second
        self._burst = burst
        self._most = most
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, who: Hashable) -> float:
        """Take a token.

        Returns:
            0 where there was one, else the seconds until there is.
        """
        now = self._clock()
        level, before = self._levels.pop(who, (self._burst, now))
        level = min(self._burst, level + (now - before) * self._rate)
        taken = level >= 1
        self._levels[who] = (level - 1 if taken else level, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return 0 if taken else (1 - level) / self._rate

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return len(self._levels)


def per_second(rate: float) -> Buckets:
    """Buckets that allow a second's worth at once."""
    return Buckets(rate, max(1, math.ceil(rate)))


def per_minute(count: int) -> Buckets:
    """Buckets that allow a minute's worth at once."""
    return Buckets(count / 60, count)
