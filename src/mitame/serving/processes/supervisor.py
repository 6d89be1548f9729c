"""Starts the processes of the service, replaces what dies, and changes them without a gap.

Workers listen on the same sockets, which this process holds, so that connections wait in them
while one worker goes and another comes. It answers nothing itself, so that no request can end it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from mitame.config import ServeConfig
from mitame.errors import MitameError
from mitame.serving.processes.children import RUNNER, WORKER, Backoff, Child
from mitame.serving.processes.epochs import Epoch, epoch_of
from mitame.serving.processes.greeting import greeting
from mitame.serving.processes.line import CANNOT_START, DRAIN, READY, REOPEN
from mitame.serving.processes.notifying import notify, reloading
from mitame.serving.processes.signals import Signals

_TICK_SECONDS = 0.25
_SPARE_SECONDS = 5.0
"""A process that was told to end gets so much more time than its requests."""
_TRIES = 3
"""Starts in a row that fail before one gives up."""
KILLED, USAGE, ERROR = 130, 2, 1


class Supervisor:
    """Runs until it is told to stop.

    Args:
        read: reads the configuration anew.
        epoch: the first one.
        handed: sockets that whoever started this process has opened.
        tell: prints a line for whoever starts it.
        say: prints a line to the server's log.
    """

    def __init__(
        self,
        read: Callable[[], ServeConfig],
        epoch: Epoch,
        handed: Sequence[socket.socket],
        tell: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._read, self._handed = read, handed
        self._tell, self._say = _heard_or_not(tell), _heard_or_not(say)
        self._epoch = epoch
        self._older: Epoch | None = None  # while the workers change: what to go back to
        self._workers: list[Child] = []
        self._runner: Child | None = None
        self._backoff, self._runner_backoff = Backoff(), Backoff()
        self._failed = 0
        self._has_answered = self._stopping = False
        self._status = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """The exit status."""
        with Signals() as signals, self._selector:
            self._selector.register(signals.waiting, selectors.EVENT_READ)
            while not (self._stopping and not self._children()):
                self._tend()
                for key, _ in self._selector.select(_TICK_SECONDS):
                    if isinstance(key.data, Child):
                        self._hear(key.data)
                for number in signals.take():
                    self._obey(number)
        return self._status

    def _children(self) -> list[Child]:
        return self._workers + ([] if self._runner is None else [self._runner])

    def _tend(self) -> None:
        self._reap()
        self._reap_runner()
        if not self._stopping:
            self._hand_over()
            self._fill()
            self._tend_runner()
        for child in self._children():
            if child.kill_if_late():
                self._say(f"process {child.process.pid} did not end in time, and was killed")

    # What comes from outside.

    def _hear(self, child: Child) -> None:
        try:
            words = child.line.recv(64)
        except BlockingIOError:
            return
        except OSError:
            words = b""
        if not words:
            self._selector.unregister(child.line)
        if READY in words and not child.ready:
            child.ready = True
            self._failed = 0
            self._answers()

    def _answers(self) -> None:
        if self._has_answered:
            return
        self._has_answered = True
        epoch = self._epoch
        for line in greeting(epoch.config, epoch.urls(), has_keys=epoch.has_keys):
            self._tell(line)
        notify(os.environ, "READY=1")

    def _obey(self, number: int) -> None:
        if self._stopping:
            if number == signal.SIGINT:
                self._status = KILLED
                for child in self._children():
                    child.process.kill()
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._stop(0)
        elif number == signal.SIGHUP:
            self._reopen()
            self._reload()
        elif number == signal.SIGUSR1:
            self._reopen()

    def _reopen(self) -> None:
        for worker in self._workers:
            worker.say(REOPEN)

    # Workers that come and go.

    def _current(self) -> list[Child]:
        return [w for w in self._workers if w.epoch is self._epoch and not w.leaving]

    def _former(self) -> list[Child]:
        return [w for w in self._workers if w.epoch is not self._epoch and not w.leaving]

    def _fill(self) -> None:
        """Start what is missing: all at once, or one after the other where others answer still."""
        current = self._current()
        missing = self._epoch.config.workers - len(current)
        if self._former():
            missing = min(missing, 0 if any(not w.ready for w in current) else 1)
        for _ in range(missing):
            if not self._backoff.is_over:
                return
            worker = self._started(WORKER)
            if worker is None:
                self._backoff.failed()
                self._failed_to_start(hopeless=False)
                return
            self._selector.register(worker.line, selectors.EVENT_READ, worker)
            self._workers.append(worker)

    def _started(self, module: str) -> Child | None:
        try:
            return Child(module, self._epoch)
        except OSError as error:
            self._say(f"no process can be started: {error.strerror}")
            return None

    def _reap(self) -> None:
        for worker in list(self._workers):
            if worker.process.poll() is None:
                continue
            self._workers.remove(worker)
            with suppress(KeyError):
                self._selector.unregister(worker.line)
            worker.line.close()
            if not worker.leaving:
                self._died(worker)

    def _died(self, worker: Child) -> None:
        self._backoff.ended(worker)
        what = f"worker {worker.process.pid} {worker.how_it_ended()}"
        if worker.ready:
            self._say(f"{what}; another one takes its place")
            return
        self._say(f"{what} before it answered")
        if worker.epoch is self._epoch:
            self._failed_to_start(hopeless=worker.process.returncode == CANNOT_START)

    def _failed_to_start(self, *, hopeless: bool) -> None:
        self._failed += 1
        if not hopeless and self._failed < _TRIES:
            return
        if self._older is not None:
            self._go_back()
        elif not self._has_answered:
            self._say("no worker can be started: why is said above")
            self._stop(USAGE if hopeless else ERROR)

    # A new configuration.

    def _reload(self) -> None:
        notify(os.environ, reloading())
        try:
            epoch = epoch_of(self._read(), self._handed, self._epoch)
        except MitameError as error:
            self._say(f"the configuration stays as it was: {error.line()}")
            notify(os.environ, "READY=1")
            return
        self._say("the configuration was read again; workers change one by one")
        if self._older is None:
            self._older = self._epoch
        elif self._epoch is not self._older:
            self._epoch.close(but=epoch)
        self._epoch, self._failed, self._backoff = epoch, 0, Backoff()

    def _hand_over(self) -> None:
        """Let former workers go as new ones answer."""
        if self._older is None:
            return
        config = self._epoch.config
        ready = sum(w.ready for w in self._current())
        former = self._former()
        for worker in former[: max(0, len(former) + ready - config.workers)] if ready else []:
            self._drain(worker)
        if ready == config.workers and not self._former():
            self._older.close(but=self._epoch)
            self._older = None
            self._say(f"all workers are new: {ready}, on {', '.join(self._epoch.urls())}")
            notify(os.environ, "READY=1")

    def _go_back(self) -> None:
        assert self._older is not None
        self._say("the new configuration can't be started, so the former one stays")
        for worker in self._current():
            self._drain(worker)
        self._epoch.close(but=self._older)
        self._epoch, self._older = self._older, None
        self._failed, self._backoff = 0, Backoff()
        notify(os.environ, "READY=1")

    def _drain(self, worker: Child) -> None:
        config = worker.epoch.config
        seconds = config.grace_seconds + config.limits.keep_alive_seconds + _SPARE_SECONDS
        worker.end(DRAIN if worker.ready else None, seconds)

    # The runner, and the end.

    def _reap_runner(self) -> None:
        runner = self._runner
        if runner is None or runner.process.poll() is None:
            return
        runner.line.close()
        self._runner = None
        if not runner.leaving:
            runner.ready = True  # it never says so
            self._runner_backoff.ended(runner)
            self._say(f"runner {runner.process.pid} {runner.how_it_ended()}; another one comes")

    def _tend_runner(self) -> None:
        runner = self._runner
        if runner is not None and self._is_outdated(runner):
            runner.end(None, runner.epoch.config.grace_seconds + _SPARE_SECONDS)
        if runner is None and self._has_answered and self._runner_backoff.is_over:
            self._runner = self._started(RUNNER)
            if self._runner is None:
                self._runner_backoff.failed()

    def _is_outdated(self, runner: Child) -> bool:
        changes = self._older is not None
        return runner.epoch is not self._epoch and not changes and not runner.leaving

    def _stop(self, status: int) -> None:
        self._stopping, self._status = True, status
        notify(os.environ, "STOPPING=1")
        for epoch in {self._epoch, self._older} - {None}:
            assert epoch is not None
            epoch.close()
        for child in self._children():
            child.end(None, child.epoch.config.grace_seconds + _SPARE_SECONDS)


def _heard_or_not(tell: Callable[[str], None]) -> Callable[[str], None]:
    """A server goes on when nobody reads what it says."""

    def told(text: str) -> None:
        with suppress(OSError, ValueError):
            tell(text)

    return told
