"""`Client`, which waits for each answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from mitame.client.binding import CollectionOperation, Operation
from mitame.client.request import Request
from mitame.client.retrying import Retrying
from mitame.client.sending import Sending, connection
from mitame.collection import Item
from mitame.errors import InvalidId
from mitame.filters import Filter
from mitame.wire.jobs import JobInfo

T = TypeVar("T")


class ServedCollection:
    """A collection on a server: what `mitame.Collection` can do, and what only a server can.

    Made by `Client.collection`; it need not exist yet. Usable from several threads.

    Attributes:
        client: that it asks by.
        name: the collection's.
    """

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    add = CollectionOperation(items.add)
    update = CollectionOperation(items.update)
    remove = CollectionOperation(items.remove)
    get = CollectionOperation(items.get)
    vectors = CollectionOperation(items.vectors)
    thumbnail = CollectionOperation(items.thumbnail)
    batch = CollectionOperation(items.batch)
    scroll = CollectionOperation(items.scroll)
    count = CollectionOperation(items.count)
    facets = CollectionOperation(browsing.facets)
    attributes = CollectionOperation(browsing.attributes)
    random = CollectionOperation(browsing.random)
    suggest = CollectionOperation(browsing.suggest)
    search = CollectionOperation(queries.search)
    query = CollectionOperation(queries.query)
    query_many = CollectionOperation(queries.query_many)
    similar = CollectionOperation(queries.similar)
    embed = CollectionOperation(queries.embed)
    compare = CollectionOperation(comparing.compare)
    duplicates = CollectionOperation(queries.duplicates)
    decide = CollectionOperation(deciding.decide)
    decision = CollectionOperation(deciding.decision)
    decisions = CollectionOperation(deciding.decisions)
    withdraw = CollectionOperation(deciding.withdraw)
    map = CollectionOperation(maps.map)
    vote = CollectionOperation(voting.vote)
    votes = CollectionOperation(voting.votes)
    evaluate = CollectionOperation(measuring.evaluate)
    evaluations = CollectionOperation(measuring.evaluations)
    feedback = CollectionOperation(events.feedback)
    feedback_events = CollectionOperation(events.feedback_events)
    describe = CollectionOperation(service.describe)
    generations = CollectionOperation(service.generations)
    activate = CollectionOperation(service.activate)
    merge = CollectionOperation(service.merge)
    index = CollectionOperation(service.index)
    bad_files = CollectionOperation(service.bad_files)
    tune = CollectionOperation(service.tune)
    tunings = CollectionOperation(service.tunings)

    def items(self, where: str | Filter | None = None) -> Iterator[Item]:
        """All items, by id, that match the filter; each page is of its own moment."""
        cursor = None
        while True:
            page = self.scroll(where, cursor=cursor)
            yield from map(item_of, page.items)
            if (cursor := page.cursor) is None:
                return

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            return isinstance(id, str | int) and self.get(id) is not None
        except InvalidId:
            return False


class Client:
    """Asks a server; close it, or use it in a with block. Usable from several threads.

    Args:
        url: where it listens, such as ``http://127.0.0.1:8000``.
        key: where it needs one.
        timeout: seconds to wait for an answer; 5 to connect.
        retries: how often a request is sent again, with growing pauses, when the server is busy or
            can't be reached; writes are sent so that they happen once.
        transport: of httpx, for Unix sockets and certificates of your own.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._sending = Sending(Retrying(retries))
        self._http = httpx.Client(transport=transport, **connection(url, key, timeout))

    collections = Operation(service.collections)
    create = Operation(service.create)
    drop = Operation(service.drop)
    jobs = Operation(service.jobs)
    job = Operation(service.job)
    cancel = Operation(service.cancel)
    health = Operation(service.health)
    ready = Operation(service.ready)
    metrics = Operation(service.metrics)
    version = Operation(service.version)
    openapi = Operation(service.openapi)

    def collection(self, name: str = "default") -> ServedCollection:
        """A collection of the server; nothing is sent."""
        return ServedCollection(self, name)

    def wait(self, job_id: str) -> JobInfo:
        """Look at a job until it has ended; its state says how.

        Raises:
            JobNotFound: there is none.
        """
        while (found := self.job(job_id)).state not in service.ENDED:
            time.sleep(service.LOOK_SECONDS)
        return found

    def send(self, request: Request[T]) -> T:
        """Send a request, again where that helps, and read its answer.

        Raises:
            MitameError: what the server says is wrong.
            ServiceError: it can't be reached.
        """
        made = self._sending.made(self._http, request)
        tried = 0
        while True:
            tried += 1
            try:
                response, error = self._http.send(made), None
            except httpx.HTTPError as failed:
                response, error = None, failed
            pause = self._sending.pause(request, tried, response, error)
            if pause is None:
                return self._sending.read(request, response, error)
            time.sleep(pause)

    def close(self) -> None:
        """Let go of connections; the client can't be used afterwards."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
