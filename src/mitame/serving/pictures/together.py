"""Pictures of several requests in one call of an embedder that is quicker with batches.

Nobody waits for a batch to fill up: whatever has come while the last call ran goes into the next
one. So a single picture is embedded at once, and under load batches grow by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.protocol import Embedder
from mitame.errors import MitameError
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.work.running import Threads

_Vector: TypeAlias = NDArray[np.float32]
_Waiting: TypeAlias = tuple[NDArray[Any], "asyncio.Future[_Vector]"]


class Together:
    """One embedder's queue. For one event loop.

    Args:
        embedder: is called with at most `batch_size` pictures at once.
        threads: where it is called.
        metrics: that are told how long it took.
    """

    def __init__(self, embedder: Embedder, threads: Threads, metrics: Metrics) -> None:
        self._embedder = embedder
        self._threads = threads
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def embed(self, prepared: NDArray[Any]) -> _Vector:
        """The vector, float32[dim], of a prepared picture.

        Raises:
            MitameError: the embedder can't use it.
        """
        future: asyncio.Future[_Vector] = asyncio.get_running_loop().create_future()
        self._waiting.append((prepared, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._batch(self._taken())
        finally:
            self._task = None

    def _taken(self) -> list[_Waiting]:
        count = min(len(self._waiting), max(1, self._embedder.batch_size))
        return [self._waiting.popleft() for _ in range(count)]

    async def _batch(self, taken: Sequence[_Waiting]) -> None:
        try:
            pictures = [prepared for prepared, _ in taken]
            results = await self._threads.run(self._embed, pictures)
        except BaseException as error:
            for _, future in taken:
                _settle(future, error)
            if not isinstance(error, Exception):  # the loop is ending
                raise
        else:
            for (_, future), result in zip(taken, results, strict=True):
                _settle(future, result)

    def _embed(self, pictures: Sequence[NDArray[Any]]) -> list[_Vector | MitameError]:
        with self._metrics.stage("embed"):
            return _each(self._embedder, pictures)


def _each(embedder: Embedder, pictures: Sequence[NDArray[Any]]) -> list[_Vector | MitameError]:
    """A vector or an error for each: a picture that fails does not fail its neighbours."""
    try:
        return list(embedder.embed(pictures))
    except MitameError as error:
        if len(pictures) == 1:
            return [error]
    return [result for picture in pictures for result in _each(embedder, [picture])]


def _settle(future: asyncio.Future[_Vector], result: _Vector | BaseException) -> None:
    if future.done():  # whoever waited has gone
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
