"""What runs on threads: results come back, and are let go."""

from __future__ import annotations

import asyncio
import gc
import weakref

from mitame.serving.work.running import Threads


class Result:
    """Something that can be watched."""


def test_a_result_is_let_go_at_once() -> None:
    """Nothing of a call stays behind that only the collector of garbage would find: results hold
    files of generations open."""

    async def work() -> list[weakref.ref[Result]]:
        threads = Threads(2, 10)
        seen = []
        for _ in range(5):
            seen.append(weakref.ref(await threads.run(Result)))
            await asyncio.sleep(0)
        await threads.run(int)  # the thread itself has something else in hand now
        await asyncio.sleep(0.05)
        alive = [each for each in seen if each() is not None]
        threads.close()
        return alive

    gc.disable()
    try:
        assert asyncio.run(work()) == []
    finally:
        gc.enable()
