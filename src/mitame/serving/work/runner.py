"""The process that does long work: jobs, merges, followed folders.

``python -m mitame.serving.work.runner [PARENT]``, with the configuration in the environment
(`handing`), and the number of the process that starts it: when that is gone, so is this. One
works for a data directory at a time; another waits until it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType

from mitame.config import ServeConfig
from mitame.errors import CollectionBusy, CollectionNotFound, MitameError
from mitame.images.limits import DEFAULT_LIMITS
from mitame.ingest.pipeline import usable_cores
from mitame.serving.processes.handing import handed
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.state import State
from mitame.serving.work.following import Follower, prefixes
from mitame.serving.work.jobs import Job, JobState
from mitame.serving.work.kinds import WORK, Reporter, Stopped, unforeseen
from mitame.serving.work.premaking import Premaking
from mitame.serving.work.queue import Queue
from mitame.serving.work.running import Threads
from mitame.serving.work.upkeep import LOOK_SECONDS, Upkeep
from mitame.storage.locking import file_lock

AT_ONCE = 2
"""Queue that run at the same time, followed folders not counted."""
TICK_SECONDS = 0.25
POLITE = 10
"""Added to the process' nice value: answers go first."""


class Runner:
    """Takes jobs and does them.

    Args:
        config: of the service.
        parent: the process that started this one.
    """

    def __init__(self, config: ServeConfig, parent: int) -> None:
        self._parent = parent
        self._config = config
        self._state = State(config.data)
        self._jobs = Queue(self._state)
        self._threads = Threads(1, 0)
        self._collections = OpenCollections(
            config, self._threads, cores=usable_cores(), limits=DEFAULT_LIMITS
        )
        self._metrics = Metrics(self._state.folder, "runner")
        self._upkeep = Upkeep(self._state, self._jobs, self._collections, merge=config.merge)
        self._running: dict[str, tuple[Job, threading.Thread]] = {}
        self._following: list[Follower] = []
        self._threads_of_own: list[threading.Thread] = []
        self.stopping = threading.Event()
        self.told_to_stop = False

    def run(self) -> None:
        """Work until it is told to stop, then end what is under way, to be gone on with later.

        Where whoever has started this process is gone, it ends, too.
        """
        with ExitStack() as held:
            while not self._ends() and not self._is_alone(held):
                pass
            if not self._ends():
                self._begin()
            looked = float("-inf")
            while not self._ends():
                self._reap()
                with suppress(MitameError):
                    self._take()
                if time.monotonic() - looked >= LOOK_SECONDS:
                    _told(self._upkeep.look)
                    looked = time.monotonic()
                time.sleep(TICK_SECONDS)
            self.stopping.set()
            self._end()

    def _ends(self) -> bool:
        return self.told_to_stop or os.getppid() != self._parent

    def _is_alone(self, held: ExitStack) -> bool:
        """Hold the lock that makes this the only runner; false where another has it."""
        path = self._state.folder / "runner.lock"
        try:
            held.enter_context(file_lock(path, shared=False, wait_seconds=1.0))
        except CollectionBusy:
            return False
        return True

    def _begin(self) -> None:
        self._jobs.take_over()
        folders = self._config.folders
        for folder, prefix in zip(folders, prefixes(folders), strict=True):
            follower = Follower(
                folder,
                self._config.collection,
                prefix,
                self._config.follow_seconds,
                jobs=self._jobs,
                collections=self._collections,
                metrics=self._metrics,
                stopping=self.stopping,
                say=say,
            )
            self._following.append(follower)
            self._start(follower.run)
        premaking = Premaking(
            self._config,
            self._collections,
            self._metrics,
            is_busy=lambda: bool(self._running) or any(each.looks for each in self._following),
            stopping=self.stopping,
        )
        self._start(premaking.run)

    def _start(self, work: Callable[[], None]) -> None:
        """Do what has no end, on a thread."""
        thread = threading.Thread(target=_told, args=(work,), daemon=True)
        thread.start()
        self._threads_of_own.append(thread)

    def _take(self) -> None:
        """Begin jobs, as many as may run."""
        while len(self._running) < AT_ONCE and self._jobs.any_queued():
            busy = frozenset(job.collection for job, _ in self._running.values())
            job = self._jobs.take(busy)
            if job is None:
                return
            thread = threading.Thread(target=_told, args=(self._do, job), daemon=True)
            self._running[job.id] = (job, thread)
            thread.start()

    def _do(self, job: Job) -> None:
        """Do a job, whatever comes of it."""
        reporter = Reporter(self._jobs, job.id, self.stopping)
        state: JobState = "done"
        result, problem = None, None
        try:
            collection = self._collections.opened(str(job.collection))
            result = WORK[job.kind](collection, job.arguments, reporter)
            reporter.settle()
        except Stopped:
            if not reporter.cancelled:
                self._jobs.give_back(job.id)
                return
            state = "cancelled"
        except MitameError as error:
            state, problem = "failed", error
        except Exception as error:
            traceback.print_exc()
            state, problem = "failed", unforeseen(error)
        if isinstance(problem, CollectionNotFound):
            state = "cancelled"  # it was dropped meanwhile
        self._jobs.end(job.id, state, result, problem)
        if problem is not None:
            say(f"{job.kind} of {job.collection!r} {state}: {problem.line()}")

    def _reap(self) -> None:
        for name, (_, thread) in list(self._running.items()):
            if not thread.is_alive():
                del self._running[name]

    def _end(self) -> None:
        """Wait for what is under way to stop, for so long as requests in flight are given."""
        until = time.monotonic() + self._config.grace_seconds
        threads = [thread for _, thread in self._running.values()] + self._threads_of_own
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        for job, thread in self._running.values():
            if thread.is_alive():  # in a step that can't be interrupted
                with suppress(MitameError):
                    self._jobs.give_back(job.id)
        self._metrics.close()
        if any(thread.is_alive() for thread in threads):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        self._collections.close()
        self._threads.close()
        self._state.close()


def say(text: str) -> None:
    """One line to the server's log."""
    # Folders may have any name: one line stays one line.
    line = "".join(c if c.isprintable() else "?" for c in f"runner: {text}")
    sys.stderr.write(line.encode(errors="replace").decode() + "\n")
    sys.stderr.flush()


def _told(work: object, *arguments: object) -> None:
    """Run on a thread; what was not foreseen is told with where it came from."""
    try:
        work(*arguments)  # type: ignore[operator] # a bound method, with the arguments it takes
    except Exception:
        traceback.print_exc()


def main(config: ServeConfig, parent: int) -> None:
    """Do long work until SIGTERM or SIGINT.

    Args:
        config: of the service.
        parent: the process that started this one.
    """
    runner = Runner(config, parent)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # No event: its lock may be held by the very code that the signal interrupts.
        runner.told_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(POLITE)
    runner.run()


if __name__ == "__main__":
    try:
        # Told by the parent, as it may be gone before all this is imported.
        main(handed(), int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid())
    except MitameError as problem:
        say(problem.line())
        sys.exit(2)
