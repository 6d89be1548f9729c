"""Shares: of one caller, of all, of one address with wrong keys; and time for an answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from mitame.config import LimitsConfig, ServeConfig
from mitame.errors import UsageError
from mitame.serving.callers.addresses import Proxies, household
from mitame.serving.callers.gate import Gate
from mitame.serving.callers.key_store import new_secret, opened
from mitame.serving.callers.roles import Role
from mitame.serving.callers.shedding import Buckets
from mitame.serving.service import Service
from tests.serving.limited_server import limited_server
from tests.serving.processes import children, until
from tests.serving.raw import HEAD, connected, one_answer
from tests.serving.running_server import Server

LIST = "/v1/collections"
PUT = b"PUT /v1/collections/x HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    limits = LimitsConfig(answer_seconds=0.05, in_flight=2)
    made = Service(ServeConfig(tmp_path, limits=limits))
    yield made
    made.close()


def asked(gate: Gate, parts: int = 0, path: str = "/x") -> Coroutine[Any, Any, list[Message]]:
    """What the gate answers to a request with a body of so many parts, 0.03 s each."""
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal parts
        await asyncio.sleep(0.03)
        parts -= 1
        return {"type": "http.request", "body": b"x", "more_body": parts > 0}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> list[Message]:
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
        await gate({**scope, "headers": [], "client": ("127.0.0.1", 1)}, receive, send)
        return sent

    return run()


def inner(work: Callable[[Receive], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def application(_: Scope, receive: Receive, send: Send) -> None:
        await work(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.1)  # what comes after the start has no end in time here
        await send({"type": "http.response.body", "body": b"ok"})

    return application


def test_an_answer_has_an_end_in_time(service: Service) -> None:
    """503 with Retry-After where it does not start in time; a body that comes is waited for."""

    async def stuck(_: Receive) -> None:
        await asyncio.Event().wait()

    async def reads(receive: Receive) -> None:
        while (await receive())["more_body"]:
            pass

    late = asyncio.run(asked(Gate(inner(stuck), service)))
    assert late[0]["status"] == 503
    assert b"retry-after" in dict(late[0]["headers"])
    read = asyncio.run(asked(Gate(inner(reads), service), parts=4))
    assert [message.get("status") for message in read] == [200, None]


def test_a_timeout_of_the_handler_is_not_taken_for_the_gates(service: Service) -> None:
    """What goes wrong inside goes on outward as it is."""

    async def fails(_: Receive) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        asyncio.run(asked(Gate(inner(fails), service)))


def test_more_than_may_be_in_flight_is_shed(service: Service) -> None:
    """The third of two is refused at once, health is answered, and then there is room again."""
    release = asyncio.Event()

    async def waits(_: Receive) -> None:
        await release.wait()

    async def run() -> None:
        gate = Gate(inner(waits), service)
        two = [asyncio.ensure_future(asked(gate)) for _ in range(2)]
        await asyncio.sleep(0)
        assert gate.under_way == 2
        assert (await asked(gate))[0]["status"] == 503
        health = asyncio.ensure_future(asked(gate, path="/healthz"))
        release.set()
        assert (await health)[0]["status"] == 200
        assert [(await each)[0]["status"] for each in two] == [200, 200]
        assert gate.under_way == 0

    asyncio.run(run())


def test_uploads_that_take_all_places_keep_health_answered(tmp_path: Path) -> None:
    """From outside: two slow bodies, a third request that is shed, and readiness that answers."""
    with limited_server(tmp_path, limits={"in_flight": 2}) as server:
        slow = [connected(server.port) for _ in range(2)]
        for connection in slow:
            connection.sendall(PUT + b"Content-Length: 9\r\n\r\n{")
        for _ in range(200):
            shed = server.ask("GET", LIST)
            if shed.status != 200:
                break
        assert (shed.status, shed.json()["code"]) == (503, "overloaded")
        assert int(shed.headers["retry-after"]) >= 1
        assert server.ask("GET", "/healthz").status == 200
        slow[0].sendall(b"""\"dim":2}""")
        assert one_answer(slow[0])[0] == 201
        assert server.ask("GET", LIST).status == 200
        for connection in slow:
            connection.close()


def test_a_caller_has_its_share(tmp_path: Path) -> None:
    """By key: one that asks too often gets 429 with when to come again; another is answered."""
    with opened(tmp_path) as store:
        keys = [store.add(name, Role.READ) for name in ("one", "two")]
    with limited_server(tmp_path, limits={"requests_per_second": 0.2}) as server:
        one, two = ({"api-key": key} for key in keys)
        assert server.ask("GET", LIST, headers=one).status == 200
        refused = server.ask("GET", LIST, headers=one)
        assert (refused.status, refused.json()["code"]) == (429, "too_many_requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        assert server.ask("GET", LIST, headers=two).status == 200
        assert server.ask("GET", "/healthz", headers=one).status == 200


def test_guessing_keys_is_slowed_and_locks_nobody_out(tmp_path: Path) -> None:
    """Wrong keys get 401, then 429; a right one from the same address is answered throughout.

    MITAME_BRUTE_SECONDS=120 goes on for two minutes.
    """
    seconds = float(os.environ.get("MITAME_BRUTE_SECONDS", "0"))
    with opened(tmp_path) as store:
        secret = store.add("one", Role.READ)
    with limited_server(tmp_path, limits={"failed_keys_per_minute": 5}) as server:
        found, lasted = guessed(server, secret, seconds)
        assert found[:5] == [401] * 5
        assert set(found) == {401, 429}
        assert found.count(401) <= 5 + 5 / 60 * lasted
        assert found.count(401) >= min(5 + 5 / 60 * seconds - 2, len(found))
        assert secret not in "".join(server.lines)


def test_each_worker_counts_wrong_keys_for_itself(tmp_path: Path) -> None:
    """Whoever guesses at a server with two workers has at most twice as many guesses, no more."""
    with opened(tmp_path) as store:
        secret = store.add("one", Role.READ)
    words = ("--workers", "2", "--set", "limits.failed_keys_per_minute=5")
    with Server(tmp_path, *words) as server:
        until(lambda: len(children(server)) == 2, "two workers")
        found, lasted = guessed(server, secret, 1)
        assert set(found) == {401, 429}
        assert 5 <= found.count(401) <= 2 * (5 + 5 / 60 * lasted)


def guessed(server: Server, secret: str, seconds: float) -> tuple[list[int], float]:
    """Statuses of guesses, at least 40 of them and for so long, and how long they took.

    The right key is answered between them. After the first ones there is a pause before each:
    where that goes on for minutes, other tests need the cores, too.
    """
    began, found = time.monotonic(), list[int]()
    while len(found) < 40 or time.monotonic() < began + seconds:
        answer = server.ask("GET", LIST, headers={"api-key": new_secret()})
        found.append(answer.status)
        if len(found) % 20 == 0:
            assert server.ask("GET", LIST, headers={"api-key": secret}).status == 200
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
        if len(found) >= 40:
            time.sleep(0.02)
    return found, time.monotonic() - began


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 3)), max_size=60),
    st.floats(0.1, 5),
    st.integers(1, 5),
)
def test_no_bucket_gives_more_than_its_rate(
    steps: list[tuple[float, int]], rate: float, burst: int
) -> None:
    """At most the burst and the rate times the time; and the wait that it says is enough."""
    now = 0.0
    buckets = Buckets(rate, burst, clock=lambda: now)
    taken = [0] * 4
    for pause, who in steps:
        now += pause
        wait = buckets.take(who)
        taken[who] += not wait
        assert taken[who] <= burst + rate * now + 1e-6
        if wait:
            now += wait + 1e-6
            assert buckets.take(who) == 0
            taken[who] += 1


def test_buckets_are_bounded() -> None:
    """A client that invents names costs no memory; who is seen often is remembered."""
    buckets = Buckets(1e-9, 1, most=100)
    assert buckets.take("often") == 0
    for number in range(10_000):
        buckets.take(number)
        assert buckets.take("often") > 0
    assert len(buckets) == 100


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("9.9.9.9", b"1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", b"1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", b"6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", b"6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"nonsense", "10.0.0.1"),
        ("10.0.0.1", b"1.1.1.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("::ffff:10.0.0.1", b"2001:db8::1", "2001:db8::1"),
        ("", b"1.1.1.1", ""),
    ],
)
def test_only_proxies_are_believed(peer: str, forwarded: bytes, found: str) -> None:
    """The last address that no trusted proxy has written, whatever a client put before it."""
    proxies = Proxies(["10.0.0.0/8"])
    assert proxies.address(peer, [forwarded]) == found
    assert proxies.address(peer, forwarded.split(b",")) == found


def test_addresses_of_one_client_count_as_one() -> None:
    """Somebody with IPv6 has 2^64 addresses; and a proxy that can't be read is refused."""
    assert household("2001:db8::1") == household("2001:db8::ffff:1")
    assert household("2001:db8::1") != household("2001:db8:0:1::1")
    assert household("::ffff:1.2.3.4") == household("1.2.3.4") == "1.2.3.4"
    assert household("") == ""
    with pytest.raises(UsageError, match="proxy"):
        Proxies(["proxy.example"])


def test_a_server_behind_a_proxy_counts_its_clients(tmp_path: Path) -> None:
    """One client's wrong keys are not another's, where the proxy is trusted."""
    limits = {"failed_keys_per_minute": 1}
    with opened(tmp_path) as store:
        store.add("one", Role.READ)

    def ask(server: Server, client: str) -> int:
        headers = {"X-Forwarded-For": client, "api-key": "wrong"}
        return server.ask("GET", LIST, headers=headers).status

    with limited_server(tmp_path, limits=limits, proxies=["127.0.0.1"]) as server:
        assert [ask(server, c) for c in ("1.1.1.1", "1.1.1.1", "2.2.2.2")] == [401, 429, 401]
    with limited_server(tmp_path, limits=limits) as server:
        assert [ask(server, c) for c in ("1.1.1.1", "2.2.2.2")] == [401, 429]
