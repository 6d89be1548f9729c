"""Signals as things that can be waited for, like bytes."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


class Signals:
    """Those that the supervisor answers, while it is in a with block. For the main thread.

    Attributes:
        waiting: becomes readable when one has come.
    """

    def __init__(self) -> None:
        self.waiting, self._told = socket.socketpair()
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
        # nohup has it ignored: then a terminal's end means nothing.
        is_heard = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        self._had_terminal = is_heard and _has_terminal()

    def __enter__(self) -> Self:
        self.waiting.setblocking(False)
        self._told.setblocking(False)
        for number in _NUMBERS:
            self._before[number] = signal.signal(number, _nothing)
        signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.waiting.close()
        self._told.close()

    def take(self) -> list[int]:
        """Numbers of those that have come; SIGTERM for a SIGHUP that says: the terminal is gone."""
        try:
            found = list(self.waiting.recv(4_096))
        except BlockingIOError:
            return []
        if self._had_terminal and signal.SIGHUP in found and not _has_terminal():
            return [signal.SIGTERM]
        return found


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Its byte is what counts."""


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
