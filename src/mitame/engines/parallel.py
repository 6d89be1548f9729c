"""Work on this thread and on cores that are free: never more threads than cores, never a deadlock.

The calling thread works through the tasks itself; threads of one pool of the process help where
they have nothing else to do. So one search alone uses all cores, many at once use one each, and
work within work (the parts of an index that are in parts again) can't wait for itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from mitame.engines.settings import usable_cores

Task = TypeVar("Task")
Result = TypeVar("Result")


def each(
    work: Callable[[Task], Result], tasks: Sequence[Task], threads: int | None = None
) -> list[Result]:
    """What `work` gives for each task, in the order of the tasks.

    Args:
        work: is called once per task, on several threads at a time; worth it where it releases
            the GIL.
        tasks: any number.
        threads: how many at most, with the calling one; all cores if None.

    Raises:
        Exception: the first that `work` raised, by the order of the tasks; tasks that had not
            begun by then are left out.
    """
    most = usable_cores() if threads is None else threads
    most = min(most, len(tasks))
    if most <= 1:
        return [work(task) for task in tasks]
    shared = _Shared(work, tasks)
    helping = _help(shared.run, most - 1)
    try:
        shared.run()
    finally:
        for future in helping:
            if not future.cancel():
                future.result()
    return shared.results()


class _Shared(Generic[Task, Result]):
    """Tasks that several threads take one by one."""

    def __init__(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> None:
        self._work = work
        self._todo = list(enumerate(tasks))[::-1]
        self._results: dict[int, Result] = {}
        self._failed: dict[int, BaseException] = {}

    def run(self) -> None:
        """Take tasks until none is left, or one has failed."""
        while not self._failed:
            try:
                number, task = self._todo.pop()  # atomic: no two threads get the same
            except IndexError:
                return
            try:
                self._results[number] = self._work(task)
            except BaseException as error:  # raised again by `results`, on the caller's thread
                self._failed[number] = error

    def results(self) -> list[Result]:
        if self._failed:
            raise self._failed[min(self._failed)]
        return [self._results[number] for number in range(len(self._results))]


_lock = threading.Lock()
_pool: list[ThreadPoolExecutor] = []


def _help(run: Callable[[], None], threads: int) -> list[Future[None]]:
    """Ask threads of the pool to run it when they are free; none where Python is shutting down."""
    with _lock:
        if not _pool:
            _pool.append(ThreadPoolExecutor(max(1, usable_cores() - 1), "mitame-search"))
        try:
            return [_pool[0].submit(run) for _ in range(min(threads, usable_cores() - 1))]
        except RuntimeError:
            return []


def _forget() -> None:
    """A forked child has none of the pool's threads, and perhaps the lock of one."""
    global _lock  # noqa: PLW0603 (a lock that another thread held at the fork is never released)
    _lock = threading.Lock()
    _pool.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
