"""What runs on threads: results come back, and are let go."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mitame.errors import ItemNotFound
from mitame.serving.work.running import Threads


class Result:
    """Something that can be watched."""


def still_there(call: Callable[[Threads], Awaitable[weakref.ref[Result]]]) -> int:
    """How many of five results are there after their calls, if nobody looks for garbage."""

    async def work() -> int:
        threads = Threads(2, 10)
        seen = []
        for _ in range(5):
            seen.append(await call(threads))
            await asyncio.sleep(0)
        await threads.run(int)  # the thread itself has something else in hand now
        await asyncio.sleep(0.05)
        threads.close()
        return sum(each() is not None for each in seen)

    gc.disable()
    try:
        return asyncio.run(work())
    finally:
        gc.enable()


def test_a_result_is_let_go_at_once() -> None:
    """Nothing of a call stays behind that only the collector of garbage would find: results hold
    files of generations open."""

    async def call(threads: Threads) -> weakref.ref[Result]:
        return weakref.ref(await threads.run(Result))

    assert still_there(call) == 0


def test_what_an_error_came_from_is_let_go_at_once() -> None:
    """An item that is not there is an error of a function that has a generation open: with the
    answer it is over."""
    seen: list[weakref.ref[Result]] = []

    def fails() -> None:
        held = Result()
        seen.append(weakref.ref(held))
        raise ItemNotFound("none")

    async def call(threads: Threads) -> weakref.ref[Result]:
        with suppress(ItemNotFound):
            await threads.run(fails)
        return seen[-1]

    assert still_there(call) == 0


def test_a_caller_that_goes_away_stops_nothing() -> None:
    """What it had begun is ended, and counts until then."""
    go, ended = threading.Event(), threading.Event()

    def works() -> None:
        go.wait(30)
        ended.set()

    async def work() -> None:
        threads = Threads(1, 10)
        caller = asyncio.create_task(threads.run(works))
        await asyncio.sleep(0.01)
        caller.cancel()
        with suppress(asyncio.CancelledError):
            await caller
        assert threads.under_way == 1
        go.set()
        await threads.run(int)
        assert ended.is_set()
        assert threads.under_way == 0
        threads.close()

    asyncio.run(work())
