"""Requests that are sent again with an Idempotency-Key: done once, answered the same."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mitame.serving.pictures.idempotency import KEPT_SECONDS, LEASE_SECONDS
from tests.serving.item_server import OWN, PICTURES, form, item_server, lines, picture, problem
from tests.serving.limited_server import limited_server
from tests.serving.running_server import SECONDS, Answered, Server
from tests.serving.slow_site import Site, slow_site

VECTOR = {"vector": [1, 2, 3, 4]}
REPLAYED = "idempotent-replayed"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idempotency")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with item_server(data) as running:
        yield running


def send(server: Server, method: str, path: str, body: Any, key: str, **headers: str) -> Answered:
    """A request with a key."""
    return server.ask(method, path, body, {"Idempotency-Key": key, **headers})


def position(server: Server, collection: str = OWN) -> int:
    """Of the journal: it counts what has been done."""
    found: int = server.ask("GET", collection).json()["position"]
    return found


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "put": ("PUT", f"{OWN}/items/again", VECTOR),
    "patch": ("PATCH", f"{OWN}/items/there", {"category": "mug"}),
    "delete": ("DELETE", f"{OWN}/items/removed", None),
    "batch": ("POST", f"{OWN}/items:batch", [{"id": "b", **VECTOR}, {"id": "bad"}]),
    "a request that is refused": ("PATCH", f"{OWN}/items/absent", {"category": "mug"}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_done_once(server: Server, data: Path, name: str) -> None:
    """Sent twice, and a third time to another server: done once, and answered alike each time."""
    method, path, body = REQUESTS[name]
    for item_id in ("there", "removed"):
        server.ask("PUT", f"{OWN}/items/{item_id}", VECTOR)
    before = position(server)
    first = send(server, method, path, body, f"key {name}".replace(" ", "-"))
    assert REPLAYED not in first.headers
    done = position(server) - before
    assert done == (0 if "refused" in name else 1)
    with Server(data) as other:
        for at in (server, other):
            again = send(at, method, path, body, f"key {name}".replace(" ", "-"))
            assert again.headers[REPLAYED] == "true"
            assert (again.status, again.body) == (first.status, first.body)
            for header in ("etag", "content-type"):
                assert again.headers.get(header) == first.headers.get(header)
    assert position(server) == before + done


def test_a_key_is_of_one_request(server: Server) -> None:
    """With another method, path, condition or body it is refused, and nothing is done."""
    path = f"{OWN}/items/one"
    assert send(server, "PUT", path, VECTOR, "one").status == 200
    before = position(server)
    for method, where, body, headers in (
        ("PUT", path, {"vector": [1, 2, 3, 5]}, {}),
        ("PATCH", path, VECTOR, {}),
        ("DELETE", path, None, {}),
        ("PUT", f"{OWN}/items/two", VECTOR, {}),
        ("PUT", f"{PICTURES}/items/one", VECTOR, {}),
        ("PUT", path, VECTOR, {"If-Match": "*"}),
    ):
        answer = send(server, method, where, body, "one", **headers)
        assert problem(answer) == (422, "key_reused")
    assert position(server) == before


def test_a_form_counts_by_its_parts(server: Server) -> None:
    """Whoever sends it again draws another boundary; another picture is another request."""
    path = f"{PICTURES}/items/form"
    answers = []
    for boundary, seed in (("first", 1), ("second", 1), ("third", 2)):
        body, headers = form(("image", "image/png", picture(seed)), boundary=boundary)
        answers.append(send(server, "PUT", path, body, "form", **headers))
    first, second, third = answers
    assert first.status == second.status == 200
    assert second.headers[REPLAYED] == "true"
    assert second.body == first.body
    assert problem(third) == (422, "key_reused")


def test_without_a_key_all_is_done(server: Server) -> None:
    """As often as it is sent."""
    before = position(server)
    for _ in range(3):
        answer = server.ask("PUT", f"{OWN}/items/plain", VECTOR)
        assert REPLAYED not in answer.headers
    assert position(server) == before + 3


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "\u00e9", "a b", "a\tb"])
def test_a_key_that_cannot_be_one(server: Server, key: str) -> None:
    """It is refused rather than left out: the caller counts on it."""
    before = position(server)
    headers = {"Idempotency-Key": key}
    answer = server.ask("PUT", f"{OWN}/items/odd", VECTOR, headers)
    assert problem(answer) == (400, "usage")
    assert position(server) == before


def test_many_at_once_with_one_key(server: Server) -> None:
    """Of sixteen one does it, and the others get its answer or are told to wait."""
    before = position(server)
    rows = [{"id": f"c{n}", **VECTOR} for n in range(50)]
    body, headers = lines(*rows), {"Content-Type": "application/x-ndjson"}
    with ThreadPoolExecutor(16) as pool:
        asked = [
            pool.submit(send, server, "POST", f"{OWN}/items:batch", body, "many", **headers)
            for _ in range(16)
        ]
        answers = [each.result() for each in asked]
    assert position(server) == before + len(rows)
    done = [each for each in answers if each.status == 200]
    assert len({each.body for each in done}) == 1
    assert sum(REPLAYED not in each.headers for each in done) == 1
    for each in answers:
        if each.status != 200:
            assert problem(each) == (409, "request_in_flight")
            assert int(each.headers["retry-after"]) >= 1


@pytest.fixture
def site() -> Iterator[Site]:
    with slow_site() as made:
        yield made


def age(data: Path, seconds: float) -> None:
    """Have all answers and claims be older."""
    path = data / ".serving" / "state.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE answered SET at = at - ?", (seconds,))


def test_killed_in_the_middle(tmp_path: Path, site: Site) -> None:
    """Another try waits while the first may be at work, and does the work when it can't be."""
    body, path = {"image_url": site.url}, f"{PICTURES}/items/url"
    own = limited_server(tmp_path, limits={}, allow_private=True)
    with item_server(tmp_path, own) as first, ThreadPoolExecutor(1) as pool:
        going = pool.submit(send, first, "PUT", path, body, "killed")
        assert site.asked.acquire(timeout=SECONDS)
        waiting = send(first, "PUT", path, body, "killed")
        assert problem(waiting) == (409, "request_in_flight")
        assert waiting.headers["retry-after"] == "1"
        assert problem(send(first, "DELETE", path, None, "killed")) == (422, "key_reused")
        first.stop(signal.SIGKILL)
        assert going.exception(SECONDS) is not None
    site.go.set()
    with limited_server(tmp_path, limits={}, allow_private=True) as second:
        assert problem(send(second, "PUT", path, body, "killed")) == (409, "request_in_flight")
        assert position(second, PICTURES) == 0
        age(tmp_path, LEASE_SECONDS)
        done = send(second, "PUT", path, body, "killed")
        assert done.status == 200
        assert REPLAYED not in done.headers
        assert position(second, PICTURES) == 1
        assert send(second, "PUT", path, body, "killed").headers[REPLAYED] == "true"
        age(tmp_path, KEPT_SECONDS)
        assert REPLAYED not in send(second, "PUT", path, body, "killed").headers
        assert position(second, PICTURES) == 2


def test_what_may_work_later_is_not_kept(tmp_path: Path, site: Site) -> None:
    """A try that is turned away because too much goes on leaves its key to the next try."""
    limits = {"waiting": 0}
    own = limited_server(tmp_path, limits=limits, allow_private=True, threads=1)
    with item_server(tmp_path, own) as server, ThreadPoolExecutor(1) as pool:
        url = {"image_url": site.url}
        going = pool.submit(server.ask, "PUT", f"{PICTURES}/items/slow", url)
        assert site.asked.acquire(timeout=SECONDS)
        headers = {"Content-Type": "image/png"}
        path = f"{PICTURES}/items/quick"
        refused = send(server, "PUT", path, picture(2), "later", **headers)
        assert problem(refused) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        site.go.set()
        assert going.result(SECONDS).status == 200
        done = send(server, "PUT", path, picture(2), "later", **headers)
        assert (done.status, REPLAYED in done.headers) == (200, False)
        assert json.loads(done.body)["id"] == "quick"
