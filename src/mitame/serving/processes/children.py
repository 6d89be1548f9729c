"""A process that the supervisor has started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from mitame.config import ServeConfig
from mitame.serving.processes.epochs import Epoch
from mitame.serving.processes.handing import VARIABLE, to_json
from mitame.serving.processes.notifying import NOTIFY_VARIABLE
from mitame.serving.processes.sockets import HANDED_VARIABLES

WORKER, RUNNER = "mitame.serving.processes.worker", "mitame.serving.work.runner"
OF_WORKERS = {"OPENBLAS_NUM_THREADS": "1"}
"""A worker multiplies small matrices all the time: other threads would need longer to come than to
do their part, and wait for the next one in a loop, on cores that others need. Searches have threads
of their own. Whoever sets the variable knows better."""
_NOT_FOR_CHILDREN = (*HANDED_VARIABLES, NOTIFY_VARIABLE)


class Child:
    """A worker or the runner.

    Args:
        module: that is run.
        epoch: which it belongs to.

    Attributes:
        ready: whether it has said that it answers.
        leaving: whether it was told to end.
        deadline: when it is killed, if it was told to end; as `time.monotonic`.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, module: str, epoch: Epoch) -> None:
        self.epoch = epoch
        self.ready = self.leaving = False
        self.deadline = float("inf")
        self.began = time.monotonic()
        # The other end of the line is the child's alone, so that it breaks with this process.
        self.line, theirs = socket.socketpair()
        self.line.setblocking(False)
        numbers = [each.fileno() for each in epoch.sockets] if module == WORKER else []
        line = str(theirs.fileno())
        arguments = [",".join(map(str, numbers)), line] if numbers else [str(os.getpid())]
        try:
            self.process = _started(module, arguments, epoch.config, [*numbers, theirs.fileno()])
        except OSError:
            self.line.close()
            raise
        finally:
            theirs.close()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.began

    def say(self, order: bytes) -> None:
        """Send an order down the line; one that is gone does not hear it."""
        with suppress(OSError):
            self.line.send(order)

    def end(self, order: bytes | None, seconds: float) -> None:
        """Tell it to end: by an order, or SIGTERM; it is killed when that takes longer."""
        self.leaving = True
        self.deadline = time.monotonic() + seconds
        if order is None:
            self.process.terminate()
        else:
            self.say(order)

    def kill_if_late(self) -> bool:
        """Kill it where it has not ended in time; whether it was."""
        if time.monotonic() < self.deadline:
            return False
        self.deadline = float("inf")
        self.process.kill()
        return True

    def how_it_ended(self) -> str:
        """For people."""
        status = self.process.returncode
        if status >= 0:
            return f"ended with status {status}"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
        return f"was ended by signal {-status}"


class Backoff:
    """When to start the next one, where they die early."""

    FIRST_SECONDS, MOST_SECONDS, YOUNG_SECONDS = 0.5, 15.0, 5.0

    def __init__(self) -> None:
        self._early = 0
        self._not_before = float("-inf")

    @property
    def is_over(self) -> bool:
        """Whether one may be started."""
        return time.monotonic() >= self._not_before

    def ended(self, child: Child) -> None:
        """One has died by itself. The first is replaced at once."""
        if child.ready and child.age >= self.YOUNG_SECONDS:
            self._early = 0
        else:
            self.failed()

    def failed(self) -> None:
        """One has died early, or could not be started at all."""
        seconds = min(self.FIRST_SECONDS * 2 ** (self._early - 1), self.MOST_SECONDS)
        self._not_before = time.monotonic() + (seconds if self._early else 0)
        self._early = min(self._early + 1, 10)


def _started(
    module: str, arguments: Sequence[str], config: ServeConfig, descriptors: Sequence[int]
) -> subprocess.Popen[bytes]:
    # glibc keeps an arena per thread: with so many the runner grew by a third in six minutes of
    # merges, with two it stays. Whoever sets the variable knows better.
    variables = {"MALLOC_ARENA_MAX": "2"}
    if module == WORKER:
        variables |= OF_WORKERS
    variables |= {n: v for n, v in os.environ.items() if n not in _NOT_FOR_CHILDREN}
    # Ctrl-C is the supervisor's affair alone, so children get a process group of their own; and
    # -P keeps what lies in the working directory from being imported.
    # S603: it is this program itself.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", module, *arguments],
        env={**variables, VARIABLE: to_json(config)},
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        process_group=0,
    )
