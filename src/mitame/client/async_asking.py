"""`AsyncClient`, for asyncio: the operations of `Client`, to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self, TypeVar

import httpx

from mitame.client import (
    browsing,
    comparing,
    deciding,
    events,
    items,
    maps,
    measuring,
    queries,
    service,
    voting,
)
from mitame.client.answers import item_of
from mitame.client.binding import AsyncCollectionOperation, AsyncOperation
from mitame.client.request import Request
from mitame.client.retrying import Retrying
from mitame.client.sending import Sending, connection
from mitame.collection import Item
from mitame.filters import Filter
from mitame.wire.jobs import JobInfo

T = TypeVar("T")


class AsyncServedCollection:
    """As `ServedCollection`, with methods to be awaited.

    Attributes:
        client: that it asks by.
        name: the collection's.
    """

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.client = client
        self.name = name

    add = AsyncCollectionOperation(items.add)
    update = AsyncCollectionOperation(items.update)
    remove = AsyncCollectionOperation(items.remove)
    get = AsyncCollectionOperation(items.get)
    vectors = AsyncCollectionOperation(items.vectors)
    thumbnail = AsyncCollectionOperation(items.thumbnail)
    batch = AsyncCollectionOperation(items.batch)
    scroll = AsyncCollectionOperation(items.scroll)
    count = AsyncCollectionOperation(items.count)
    facets = AsyncCollectionOperation(browsing.facets)
    attributes = AsyncCollectionOperation(browsing.attributes)
    random = AsyncCollectionOperation(browsing.random)
    suggest = AsyncCollectionOperation(browsing.suggest)
    search = AsyncCollectionOperation(queries.search)
    query = AsyncCollectionOperation(queries.query)
    query_many = AsyncCollectionOperation(queries.query_many)
    similar = AsyncCollectionOperation(queries.similar)
    embed = AsyncCollectionOperation(queries.embed)
    compare = AsyncCollectionOperation(comparing.compare)
    duplicates = AsyncCollectionOperation(queries.duplicates)
    decide = AsyncCollectionOperation(deciding.decide)
    decision = AsyncCollectionOperation(deciding.decision)
    decisions = AsyncCollectionOperation(deciding.decisions)
    withdraw = AsyncCollectionOperation(deciding.withdraw)
    map = AsyncCollectionOperation(maps.map)
    vote = AsyncCollectionOperation(voting.vote)
    votes = AsyncCollectionOperation(voting.votes)
    evaluate = AsyncCollectionOperation(measuring.evaluate)
    evaluations = AsyncCollectionOperation(measuring.evaluations)
    feedback = AsyncCollectionOperation(events.feedback)
    feedback_events = AsyncCollectionOperation(events.feedback_events)
    describe = AsyncCollectionOperation(service.describe)
    generations = AsyncCollectionOperation(service.generations)
    activate = AsyncCollectionOperation(service.activate)
    merge = AsyncCollectionOperation(service.merge)
    index = AsyncCollectionOperation(service.index)
    bad_files = AsyncCollectionOperation(service.bad_files)
    tune = AsyncCollectionOperation(service.tune)
    tunings = AsyncCollectionOperation(service.tunings)

    async def items(self, where: str | Filter | None = None) -> AsyncIterator[Item]:
        """As `ServedCollection.items`."""
        cursor = None
        while True:
            page = await self.scroll(where, cursor=cursor)
            for each in page.items:
                yield item_of(each)
            if (cursor := page.cursor) is None:
                return


class AsyncClient:
    """As `Client`, for asyncio; use it in an ``async with`` block.

    Args:
        url, key, timeout, retries, transport: as of `Client`.

    Raises:
        UsageError: the address can't be one.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._sending = Sending(Retrying(retries))
        self._http = httpx.AsyncClient(transport=transport, **connection(url, key, timeout))

    collections = AsyncOperation(service.collections)
    create = AsyncOperation(service.create)
    drop = AsyncOperation(service.drop)
    jobs = AsyncOperation(service.jobs)
    job = AsyncOperation(service.job)
    cancel = AsyncOperation(service.cancel)
    health = AsyncOperation(service.health)
    ready = AsyncOperation(service.ready)
    metrics = AsyncOperation(service.metrics)
    version = AsyncOperation(service.version)
    openapi = AsyncOperation(service.openapi)

    def collection(self, name: str = "default") -> AsyncServedCollection:
        """A collection of the server; nothing is sent."""
        return AsyncServedCollection(self, name)

    async def wait(self, job_id: str) -> JobInfo:
        """As `Client.wait`."""
        while (found := await self.job(job_id)).state not in service.ENDED:
            await asyncio.sleep(service.LOOK_SECONDS)
        return found

    async def send_made(self, make: Callable[[], Request[T]]) -> T:
        """Make a request on a thread, for pictures are read from files then, and send it."""
        return await self.send(await asyncio.to_thread(make))

    async def send(self, request: Request[T]) -> T:
        """As `Client.send`."""
        made = self._sending.made(self._http, request)
        tried = 0
        while True:
            tried += 1
            try:
                response, error = await self._http.send(made), None
            except httpx.HTTPError as failed:
                response, error = None, failed
            pause = self._sending.pause(request, tried, response, error)
            if pause is None:
                return self._sending.read(request, response, error)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Let go of connections; the client can't be used afterwards."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
