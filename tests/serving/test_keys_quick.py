"""Keys and the quick way: what is kept, or found at once, is for those alone who reach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

import mitame
from mitame.serving.callers.key_store import KeyStore, opened
from mitame.serving.callers.keys import FRESH_SECONDS
from mitame.serving.callers.roles import Role
from tests.serving.quick_server import quick_answers, quick_server
from tests.serving.running_server import SECONDS, Answered, Server

SIMILAR = "/v1/collections/{}/items/7/similar?limit=3"
QUERY = "/v1/collections/{}/query"
VECTOR = {"vector": [1.0, 7.5], "limit": 3}
SECRET = "category-of-b"

Asking: TypeAlias = Callable[[Server, str, str | None], Answered]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collection b, merged: its neighbour table and its index are there; a is empty."""
    made = tmp_path_factory.mktemp("data")
    for name in ("a", "b"):
        with mitame.open(made, name, lenses={"vectors": "vectors:2"}) as shop:
            for number in range(30 * (name == "b")):
                shop.add(str(number), vector=[1, number], category=SECRET)
            shop.store.merge()
    return made


@pytest.fixture(scope="module")
def store(data: Path) -> Iterator[KeyStore]:
    with opened(data) as keys:
        yield keys


@pytest.fixture(scope="module")
def keys(store: KeyStore) -> dict[str, str]:
    return {name: store.add(name, Role.ADMIN, [name]) for name in ("a", "b")}


@pytest.fixture(scope="module")
def server(data: Path, keys: dict[str, str]) -> Iterator[Server]:
    with quick_server(data) as running:
        assert keys
        yield running


def similar(server: Server, collection: str, key: str | None) -> Answered:
    headers = {} if key is None else {"api-key": key}
    return server.ask("GET", SIMILAR.format(collection), headers=headers)


def query(server: Server, collection: str, key: str | None) -> Answered:
    headers = {} if key is None else {"api-key": key}
    return server.ask("POST", QUERY.format(collection), VECTOR, headers)


def is_quick(server: Server, asking: Asking, key: str) -> bool:
    """Whether b's question is answered before the router; fails where it is not answered."""
    before = quick_answers(server)
    answer = asking(server, "b", key)
    assert answer.status == 200, answer.body
    assert SECRET in answer.body.decode()
    if asking is similar:
        return bool(answer.json()["took_ms"] == 0)  # a kept answer takes none
    end = time.monotonic() + 0.5  # lines of the server come through a pipe
    while quick_answers(server) == before and time.monotonic() < end:
        time.sleep(0.005)
    return quick_answers(server) > before


def wait_until_quick(server: Server, asking: Asking, key: str) -> None:
    end = time.monotonic() + SECONDS
    while not is_quick(server, asking, key):
        assert time.monotonic() < end, "the event loop never answers"


def told(answer: Answered, collection: str) -> tuple[int, str]:
    """An answer without the request's id and the collection's name."""
    text = answer.body.decode().replace(answer.headers["x-request-id"], "")
    return answer.status, text.replace(f"'{collection}'", "C").replace(f"/{collection}/", "/C/")


@pytest.mark.parametrize("asking", [similar, query])
def test_a_key_gets_nothing_that_is_kept_for_another(
    server: Server, keys: dict[str, str], asking: Asking
) -> None:
    """The same address, the same vector: b's is answered at once, for a it is as if it were not."""
    wait_until_quick(server, asking, keys["b"])
    quick = quick_answers(server)
    for key, status in ((keys["a"], 404), (None, 401), (keys["b"][:-1], 401)):
        answer = asking(server, "b", key)
        assert answer.status == status
        assert SECRET not in answer.body.decode()
        assert told(answer, "b") == told(asking(server, "c", key), "c")
    assert quick_answers(server) == quick
    assert is_quick(server, asking, keys["b"])  # it was at hand all the while


@pytest.mark.parametrize("asking", [similar, query])
def test_a_key_that_is_worth_nothing_gets_nothing_that_is_kept(
    server: Server, store: KeyStore, asking: Asking
) -> None:
    """After a rotation and after a removal, while the new key gets it at once."""
    older = store.add("passing", Role.READ, ["b"])
    time.sleep(2 * FRESH_SECONDS)
    wait_until_quick(server, asking, older)
    newer = store.rotate("passing")
    time.sleep(2 * FRESH_SECONDS)
    assert asking(server, "b", older).status == 401
    assert is_quick(server, asking, newer)
    store.remove("passing")
    elsewhere = store.add("passing", Role.READ, ["a"])
    time.sleep(2 * FRESH_SECONDS)
    assert asking(server, "b", newer).status == 401
    assert asking(server, "b", elsewhere).status == 404
    store.remove("passing")
