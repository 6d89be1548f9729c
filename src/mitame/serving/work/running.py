"""What would keep the event loop from answering runs on threads, a bounded number of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from mitame.errors import Overloaded

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Threads of a worker.

    Args:
        count: of threads.
        waiting: calls that may wait for one; more are refused at once.
    """

    def __init__(self, count: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="mitame")
        self._most = count + waiting
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Calls that wait or run."""
        return self._under_way

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, from a thread.

        A caller that goes away does not stop it: what was begun is ended.

        Raises:
            Overloaded: too many wait already.
        """
        if self._under_way >= self._most:
            raise Overloaded("too many requests wait for a thread")
        self._under_way += 1
        # with the caller's context: what is traced on the thread belongs to its request
        context = copy_context()
        work = self._pool.submit(lambda: context.run(function, *args, **kwargs))
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        # It is handed what is done, and holds it not: a circle would keep the result, and files of
        # generations that are gone, until the collector of garbage comes by.
        work.add_done_callback(partial(self._over, loop, result))
        try:
            return await result
        finally:
            # An error's traceback knows this call, and with it what holds the error: a circle, too.
            del work, result

    def _over(
        self, loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], work: Future[T]
    ) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._done, work, result)

    def _done(self, work: Future[T], result: asyncio.Future[T]) -> None:
        """The loop is woken once: for the caller, where it has not gone away, and the count."""
        self._under_way -= 1
        if result.done():
            return
        if work.cancelled():
            result.cancel()
        elif (error := work.exception()) is not None:
            result.set_exception(error)
        else:
            result.set_result(work.result())

    def close(self) -> None:
        """Wait for what runs; what waits is given up."""
        self._pool.shutdown(wait=True, cancel_futures=True)
