"""How the interpreter shares the time of a process that answers: no pause of its own is long.

Answers that are kept are a million objects that lie for hours and form no cycles. Python's
collector goes over all of them whenever a quarter has come anew, while nobody is answered: 0.1 s
at 20,000 answers. So what has survived a full collection is set aside, and only looked at again
once in a while, for the few cycles that were alive when they were set aside.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping

SWITCH_SECONDS = 0.0005
"""After which a thread lets others go on. The event loop lets go at each of its callbacks: with the
usual 5 ms it would come to one in 5 ms while a thread writes to the disk what was asked."""
WHOLE = 64
"""Of so many full collections one goes over everything."""
_FULL = 2


class Pauses:
    """Keeps pauses short from `begin` to `end`. One per process."""

    def __init__(self) -> None:
        self._collections = 0
        self._switch = sys.getswitchinterval()

    def begin(self) -> None:
        """From now on; what is there already is set aside."""
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.callbacks.append(self._collected)
        gc.freeze()

    def end(self) -> None:
        """As it was before."""
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)
            gc.unfreeze()
            sys.setswitchinterval(self._switch)

    def _collected(self, phase: str, info: Mapping[str, int]) -> None:
        """Python's collector begins or ends."""
        if info["generation"] != _FULL:
            return
        if phase == "stop":
            gc.freeze()
            return
        self._collections += 1
        if self._collections % WHOLE == 0:
            gc.unfreeze()
