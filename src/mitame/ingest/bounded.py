"""A parallel map that never runs ahead of its consumer by more than a window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def bounded_map(
    function: Callable[[In], Out], inputs: Iterable[In], *, threads: int, window: int
) -> Iterator[Out]:
    """Results of `function` in the order of `inputs`, computed on `threads` threads.

    At most `window` calls are submitted and not yet taken. `inputs` is advanced on the
    caller's thread. When the consumer stops early (an exception, Ctrl-C), calls that have not
    begun are cancelled and those under way are waited for.

    Threads serve here because reading, decoding and the network all release the GIL.
    """
    pending: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="mitame-ingest") as pool:
        try:
            for value in inputs:
                pending.append(pool.submit(function, value))
                while len(pending) >= window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
