"""Ctrl-C: the first one asks to stop, the second one ends the process at once."""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C stopped: 128 + SIGINT, as shells have it."""


class Interrupts:
    """Counts SIGINT from when it is installed.

    The second one leaves without cleaning up, which would be interrupted in turn: what is
    acknowledged is durable, and everything else appears whole or not at all.
    """

    def __init__(self) -> None:
        self.count = 0

    def install(self) -> None:
        """Answer SIGINT from now on, unless whoever started the process wants it ignored."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt
