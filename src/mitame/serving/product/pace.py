"""Whether searches of a lens are short enough for the event loop."""

from __future__ import annotations

import math
import sys
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

    def fitting(self, seconds: float, most: int) -> int:
        """How many searches are likely to end in so many seconds: at least 1."""
        return most if self._seconds * most <= seconds else max(1, int(seconds / self._seconds))

    @property
    def is_due(self) -> bool:
        """It is not quick as far as is known, and was not measured lately."""
        return not self.is_quick and self._clock() >= self._again

    def measured(self, seconds: float) -> None:
        """A search on a thread took so many seconds of processor time."""
        self._seconds, self._again = seconds, self._clock() + AGAIN

    def took(self, working: float, waiting: float) -> None:
        """One on the event loop took so long on the processor, and waited so long for the disk."""
        # One that waited long says little about the next: most pages are in memory from then on.
        seconds = min(working, 4 * AT_ONCE) + min(waiting, AT_ONCE)
        self._seconds += (seconds - self._seconds) / 8
        self._again = self._clock() + AGAIN


class Stopwatch:
    """Times what is done from when it is made on."""

    __slots__ = ("_began", "_reads", "_worked")

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.thread_time()
        self._reads = disk_reads()

    def read(self) -> tuple[float, float]:
        """Seconds of this thread's processor time, and seconds that went to the disk.

        Whatever else it waits for, such as a core that others use, it waits for on a thread, too.
        """
        working = time.thread_time() - self._worked
        waiting = time.perf_counter() - self._began - working
        return working, waiting if disk_reads() != self._reads else 0.0


if sys.platform == "win32":

    def disk_reads() -> float:
        """How often this process has waited for the disk; here nobody says."""
        return math.nan

else:
    import resource

    def disk_reads() -> float:
        """How often this process has waited for the disk."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_majflt + used.ru_inblock  # what is mapped, and what SQLite reads
