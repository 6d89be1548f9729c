"""A parallel map that never runs ahead of its consumer by more than a window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

HELD_BYTES = 256 * 1024 * 1024


def bounded_map(
    function: Callable[[In], Out],
    inputs: Iterable[In],
    *,
    threads: int,
    window: int,
    weigh: Callable[[In], int] | None = None,
    budget: int = HELD_BYTES,
) -> Iterator[Out]:
    """Results of `function` in the order of `inputs`, computed on `threads` threads.

    At most `window` calls are submitted and not yet taken. `inputs` is advanced on the
    caller's thread. When the consumer stops early (an exception, Ctrl-C), calls that have not
    begun are cancelled and those under way are waited for.

    Threads serve here because reading, decoding and the network all release the GIL.

    Args:
        function: called from several threads.
        inputs: what it is called with.
        threads: how many.
        window: calls submitted and not yet taken, at most.
        weigh: bytes that an input holds; inputs under way weigh at most `budget` in all, or are
            one alone.
        budget: bytes.
    """
    pending: deque[tuple[Future[Out], int]] = deque()
    held = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="mitame-ingest") as pool:
        try:
            for value in inputs:
                weight = weigh(value) if weigh else 0
                while pending and weight and held + weight > budget:
                    future, freed = pending.popleft()
                    held -= freed
                    yield future.result()
                pending.append((pool.submit(function, value), weight))
                held += weight
                while len(pending) >= window:
                    future, freed = pending.popleft()
                    held -= freed
                    yield future.result()
            while pending:
                yield pending.popleft()[0].result()
        finally:
            for future, _ in pending:
                future.cancel()
