"""When requests are sent again, and how; no server and no waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest

import mitame
from mitame.client.request import Reply
from mitame.client.retrying import Retrying
from mitame.errors import (
    MitameError,
    Overloaded,
    RequestError,
    RequestInFlight,
    ServiceError,
    TooManyRequests,
)

BUSY = {
    "title": "",
    "status": 503,
    "code": "overloaded",
    "detail": "busy: later",
    "remedy": "later",
}
ITEM: dict[str, object] = {"id": "a", "category": None, "attributes": {}, "images": []}
URL = "http://server"


class Script(httpx.MockTransport):
    """A server that answers one after the other of what it is told; an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []
        super().__init__(self._next)

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def answer(status: int, body: object, after: str | None = None) -> httpx.Response:
    headers = {} if after is None else {"Retry-After": after}
    return httpx.Response(status, json=body, headers=headers)


def busy(after: str = "1") -> httpx.Response:
    return answer(503, BUSY, after)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the client would have made."""
    found: list[float] = []

    async def later(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(asyncio, "sleep", later)
    return found


def test_a_busy_server_is_asked_again_with_the_same_key(pauses: list[float]) -> None:
    """The write happens once: every try has the Idempotency-Key of the first; no pause is shorter
    than what the server asks for."""
    script = Script(busy("2"), httpx.ReadError("cut off"), answer(200, ITEM))
    with mitame.Client(URL, transport=script) as client:
        assert client.collection("c").add("a", image=b"x").id == "a"
    keys = {each.headers["Idempotency-Key"] for each in script.seen}
    assert (len(script.seen), len(keys)) == (3, 1)
    assert len({each.content for each in script.seen}) == 1
    assert pauses[0] >= 2
    with mitame.Client(URL, transport=Script(answer(200, ITEM))) as client:
        client.collection("c").add("a", image=b"x")


def test_keys_are_new_for_each_call() -> None:
    """Two writes are two writes."""
    script = Script(answer(200, ITEM), answer(200, ITEM))
    with mitame.Client(URL, transport=script) as client:
        for _ in range(2):
            client.collection("c").update("a", category="mug")
    assert len({each.headers["Idempotency-Key"] for each in script.seen}) == 2


def test_it_gives_up(pauses: list[float]) -> None:
    """After the last try the caller gets the server's own words."""
    script = Script(*(busy() for _ in range(3)))
    with (
        mitame.Client(URL, retries=2, transport=script) as client,
        pytest.raises(Overloaded, match="busy") as found,
    ):
        client.collection("c").count()
    assert found.value.seconds == 1
    assert (len(script.seen), len(pauses)) == (3, 2)


def test_a_job_is_not_begun_twice(pauses: list[float]) -> None:
    """Where nobody knows whether it has arrived, the caller decides; where it surely has not, it
    is sent again."""
    script = Script(httpx.ReadTimeout("no answer"))
    with mitame.Client(URL, transport=script) as client, pytest.raises(ServiceError):
        client.collection("c").tune()
    assert len(script.seen) == 1
    script = Script(httpx.ConnectError("refused"), busy(), answer(202, {"job": "j"}))
    with mitame.Client(URL, transport=script) as client:
        assert client.collection("c").tune() == "j"


def test_what_is_wrong_stays_wrong(pauses: list[float]) -> None:
    """Other refusals are not sent again."""
    wrong = {**BUSY, "status": 422, "code": "a_code_of_tomorrow"}
    script = Script(answer(422, wrong))
    tomorrow = pytest.raises(RequestError, match="a_code_of_tomorrow")
    with mitame.Client(URL, transport=script) as client, tomorrow:
        client.collection("c").count()
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(429, "too_many_requests", TooManyRequests), (409, "request_in_flight", RequestInFlight)],
)
def test_a_pause_that_is_too_long_is_the_callers(
    status: int, code: str, kind: type[MitameError], pauses: list[float]
) -> None:
    """Nobody sleeps for an hour in a library; the error says how long it would be."""
    told = {**BUSY, "status": status, "code": code}
    with (
        mitame.Client(URL, transport=Script(answer(status, told, "3600"))) as client,
        pytest.raises(kind) as found,
    ):
        client.collection("c").count()
    assert getattr(found.value, "seconds") == 3600  # noqa: B009 - not all have it
    assert pauses == []


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(502, text="<html>bad gateway</html>"),
        httpx.Response(200, text="no json"),
        httpx.Response(200, json={"other": 1}),
    ],
)
def test_something_else_answers(reply: httpx.Response) -> None:
    """A proxy's page is an error of ours with what it said, not of a JSON library."""
    with mitame.Client(URL, transport=Script(reply)) as client, pytest.raises(ServiceError):
        client.collection("c").count()


def test_asyncio_does_the_same(pauses: list[float]) -> None:
    """Tries, pauses and the end of both."""

    async def ask() -> int:
        script = Script(
            busy("3"), httpx.ReadError("cut off"), answer(200, {"count": 5, "position": 1})
        )
        async with mitame.AsyncClient(URL, transport=script) as client:
            return await client.collection("c").count()

    assert asyncio.run(ask()) == 5
    assert len(pauses) == 2
    assert pauses[0] >= 3

    async def fail() -> None:
        async with mitame.AsyncClient(URL, transport=Script(httpx.ReadError("x")), retries=0) as c:
            await c.collection("c").count()

    with pytest.raises(ServiceError):
        asyncio.run(fail())


def _drawn(value: float) -> Callable[[], float]:
    return lambda: value


def test_pauses_grow_and_are_bounded() -> None:
    """Twice as long each time at most, never more than the longest; drawn from nothing to that."""
    most = Retrying(10, 1.0, 5.0, _drawn(1.0))
    assert [most.pause(n, None) for n in range(1, 6)] == [1, 2, 4, 5, 5]
    assert Retrying(10, 1.0, 5.0, _drawn(0.0)).pause(3, None) == 0
    assert most.pause(11, None) is None
    asked = Reply(429, {"retry-after": "3"}, b"")
    assert most.pause(1, asked) == 3
    assert most.pause(1, Reply(429, {"retry-after": "Wed, 21 Oct"}, b"")) == 1
    assert most.pause(1, Reply(404, {}, b"")) is None
    assert most.pause(1, Reply(409, {}, b"")) is None
