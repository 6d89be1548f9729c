"""Whether searches of a lens are short enough for the event loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

AT_ONCE = 0.002
"""Seconds that a search may take on the event loop, which nobody else has meanwhile."""
AGAIN = 10.0
"""Seconds after which what was too slow is looked at again."""


class Pace:
    """How long searches of a lens take.

    Args:
        clock: seconds that never go back.
    """

    __slots__ = ("_again", "_clock", "_seconds")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = math.inf
        self._again = -math.inf

    @property
    def is_quick(self) -> bool:
        """The next one is likely to take no longer than `AT_ONCE`."""
        return self._seconds <= AT_ONCE

    @property
    def is_due(self) -> bool:
        """It is not quick as far as is known, and was not measured lately."""
        return not self.is_quick and self._clock() >= self._again

    def measured(self, seconds: float) -> None:
        """A search on a thread took so many seconds of processor time."""
        self._seconds, self._again = seconds, self._clock() + AGAIN

    def took(self, working: float, waiting: float) -> None:
        """One on the event loop took so many seconds of processor time, and so many others."""
        # One that waited long says little about the next, as a core that others use makes a few
        # wait; where each has to wait, it is for the disk.
        seconds = min(working, 4 * AT_ONCE) + min(waiting, AT_ONCE)
        self._seconds += (seconds - self._seconds) / 8
        self._again = self._clock() + AGAIN
