"""How the interpreter shares the time of a process that answers: no pause is long for its threads.

Setting what survived a full collection aside (`gc.freeze`) spared a pause of 0.1 s for 20,000 kept
answers, but kept files of generations that were gone open until much later: not used.
"""

from __future__ import annotations

import sys

SWITCH_SECONDS = 0.0005
"""After which a thread lets others go on. The event loop lets go at each of its callbacks: with the
usual 5 ms it would come to one in 5 ms while a thread writes to the disk what was asked."""


class Pauses:
    """Keeps pauses short from `begin` to `end`. One per process."""

    def __init__(self) -> None:
        self._switch: float | None = None

    def begin(self) -> None:
        """From now on."""
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)

    def end(self) -> None:
        """As it was before."""
        if self._switch is not None:
            sys.setswitchinterval(self._switch)
            self._switch = None
