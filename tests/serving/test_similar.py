"""The product-page question over HTTP, against a real server that others write to."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import mitame
from mitame.wire.answers import AnswerReply
from tests.serving.running_server import Server

ITEMS = 150
_BASE = "/v1/collections/shop/items"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("similar")


@pytest.fixture(scope="module")
def shop(data: Path) -> Iterator[mitame.Collection]:
    """A collection as another process has it open: merged, with some items after that."""
    rng = np.random.default_rng(1)
    with mitame.open(data, "shop", lenses={"look": "vectors:8"}) as made:
        for number in range(ITEMS):
            kind = "mug" if number % 3 == 0 else "cup"
            fields = {"price": number, "sold_out": number % 5 == 0}
            made.add(number, vector=rng.normal(size=8), category=kind, attributes=fields)
        made.store.merge()
        made.add("a/b c", vector=rng.normal(size=8))
        yield made


@pytest.fixture(scope="module")
def server(data: Path, shop: mitame.Collection) -> Iterator[Server]:
    assert len(shop)
    with Server(data) as running:
        yield running


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["id"] for each in answer["neighbors"]]


def told(body: bytes) -> bytes:
    """An answer but for its id and its time."""
    return re.sub(rb'"query_id":"[^"]*","took_ms":[^,]*,', b"", body)


def test_as_the_library_says(server: Server, shop: mitame.Collection) -> None:
    """Ids, scores and facts are those of the library, and the body has the type it should have."""
    answer = server.ask("GET", f"{_BASE}/7/similar")
    found = msgspec.json.decode(answer.body, type=AnswerReply)
    right = shop.similar("7")
    assert [(n.id, n.score, n.distance) for n in found.neighbors] == [
        (n.id, n.score, n.distance) for n in right.neighbors
    ]
    assert found.complete
    assert found.exact
    assert found.lens == "look"
    assert found.position == right.position
    assert found.generation == 1
    first = answer.json()["neighbors"][0]
    assert first["attributes"]["price"] == int(first["id"])
    assert first["image"] == f"{_BASE}/{first['id']}/thumbnail"


def test_second_time_is_the_same(server: Server) -> None:
    """A kept answer is the first one but for its id, and has other answers' headers."""
    once, again = (server.ask("GET", f"{_BASE}/8/similar?limit=7") for _ in range(2))
    assert told(once.body) == told(again.body)
    assert again.json()["took_ms"] == 0
    assert once.json()["query_id"] != again.json()["query_id"]
    for name in ("etag", "cache-control", "content-type"):
        assert once.headers[name] == again.headers[name]
    assert "x-request-id" in again.headers


def test_never_stale(server: Server, shop: mitame.Collection) -> None:
    """A write by another process is in the next answer, whichever it is."""
    path = f"{_BASE}/9/similar"
    nearest = ids(server.ask("GET", path).json())
    shop.update(nearest[0], category="other")
    changed = server.ask("GET", path).json()
    assert changed["neighbors"][0]["category"] == "other"
    shop.remove(nearest[1])
    assert ids(server.ask("GET", path).json())[:2] == [nearest[0], nearest[2]]
    shop.add("twin", vector=shop.vectors("9")[0])
    assert ids(server.ask("GET", path).json())[0] == "twin"
    shop.store.merge()
    merged = server.ask("GET", path).json()
    assert merged["generation"] == changed["generation"] + 1
    assert ids(merged)[0] == "twin"
    shop.remove("9")
    assert server.ask("GET", path).status == 404


def test_etag(server: Server, shop: mitame.Collection) -> None:
    """What has not changed is not sent again; what has, is."""
    path = f"{_BASE}/10/similar"
    first = server.ask("GET", path)
    for tag in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
        same = server.ask("GET", path, headers={"If-None-Match": tag})
        assert (same.status, same.body) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
    shop.update(first.json()["neighbors"][3]["id"], attributes={"price": 1})
    other = server.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert other.status == 200
    assert other.headers["etag"] != first.headers["etag"]


def test_filters_fill_the_limit(server: Server) -> None:
    """Under a filter there are as many neighbours as were asked for whenever so many match."""
    path = f"{_BASE}/11/similar?limit=20&category=mug&filter=price<120,sold_out!=true"
    answer = server.ask("GET", path.replace("<", "%3C")).json()
    assert answer["complete"]
    assert len(ids(answer)) == 20
    for each in answer["neighbors"]:
        assert each["category"] == "mug"
        assert each["attributes"]["price"] < 120
        assert each["attributes"].get("sold_out") is not True
    few = server.ask("GET", f"{_BASE}/11/similar?filter=price%3C4").json()
    assert not few["complete"]
    assert "only" in few["reason"]
    assert few["cursor"] is None
    near = server.ask("GET", f"{_BASE}/11/similar?score_threshold=0.5").json()
    assert all(each["score"] >= 0.5 for each in near["neighbors"])


def test_pages(server: Server, shop: mitame.Collection) -> None:
    """Cursors lead through all other items, each once, nearest first."""
    path, cursor, seen = f"{_BASE}/12/similar?limit=40", "", []
    while cursor is not None:
        answer = server.ask("GET", path + (cursor and f"&cursor={cursor}")).json()
        seen += [(each["distance"], each["id"]) for each in answer["neighbors"]]
        assert answer.get("moved", False) is False
        cursor = answer["cursor"]
    assert seen == sorted(seen)
    assert {item for _, item in seen} == {each.id for each in shop.items()} - {"12"}
    assert len(seen) == len(shop) - 1
    assert not answer["complete"]


def test_pages_of_a_moving_collection(server: Server, shop: mitame.Collection) -> None:
    """Who pages on while others write gets no item twice, and is told."""
    path = f"{_BASE}/13/similar?limit=15"
    first = server.ask("GET", path).json()
    for number in range(20):  # all of them come in before the cursor
        shop.add(f"near-{number}", vector=shop.vectors("13")[0] + number * 1e-3)
    second = server.ask("GET", f"{path}&cursor={first['cursor']}").json()
    assert second["moved"]
    assert second["complete"]
    assert not {*ids(first)} & {*ids(second)}
    last = first["neighbors"][-1]["distance"]
    assert all(each["distance"] >= last for each in second["neighbors"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{_BASE}/none/similar", 404, "item_not_found"),
        ("/v1/collections/none/items/1/similar", 404, "collection_not_found"),
        (f"{_BASE}/1/similar?lens=none", 404, "unknown_lens"),
        (f"{_BASE}/1/similar?limit=0", 422, "invalid_body"),
        (f"{_BASE}/1/similar?limit=10001", 422, "invalid_body"),
        (f"{_BASE}/1/similar?limit=x", 422, "invalid_body"),
        (f"{_BASE}/1/similar?limit=5&limit=6", 422, "invalid_body"),
        (f"{_BASE}/1/similar?colour=red", 422, "invalid_body"),
        (f"{_BASE}/1/similar?filter=price%3C%3C", 422, "invalid_filter"),
        (f"{_BASE}/1/similar?score_threshold=nan", 400, "usage"),
        (f"{_BASE}/1/similar?cursor=x", 422, "invalid_body"),
        (f"{_BASE}/1/similar?cursor=1.%ff", 422, "invalid_body"),
        (f"{_BASE}/%00/similar", 422, "invalid_id"),
        (f"{_BASE}/%ff/similar", 404, "route_not_found"),
        (f"{_BASE}/{'x' * 1_001}/similar", 422, "invalid_id"),
    ],
)
def test_problems(server: Server, path: str, status: int, code: str) -> None:
    """Each wrong question is a problem, the second time, too."""
    for _ in range(2):
        answer = server.ask("GET", path)
        assert (answer.status, answer.json()["code"]) == (status, code), answer.body


def test_cursor_of_another_question(server: Server) -> None:
    """A cursor goes with its question only."""
    cursor = server.ask("GET", f"{_BASE}/14/similar").json()["cursor"]
    assert server.ask("GET", f"{_BASE}/15/similar?cursor={cursor}").status == 422
    assert server.ask("GET", f"{_BASE}/14/similar?category=mug&cursor={cursor}").status == 422
    assert server.ask("GET", f"{_BASE}/14/similar?limit=3&cursor={cursor}").status == 200


def test_odd_ids(server: Server) -> None:
    """An id that needs percent signs is asked for with them, once and again."""
    for _ in range(2):
        answer = server.ask("GET", f"{_BASE}/a%2Fb%20c/similar")
        assert answer.status == 200
        assert len(ids(answer.json())) == 10


def test_query_ids_are_unique(server: Server) -> None:
    """Answers given at once have ids of their own, which say the same of what was asked."""
    found: list[str] = []

    def ask() -> None:
        for _ in range(10):
            found.append(server.ask("GET", f"{_BASE}/16/similar").json()["query_id"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*found}) == 40
    assert len({each[:20] for each in found}) == 40
    assert len({each[20:] for each in found}) == 1


def test_head(server: Server) -> None:
    """HEAD has GET's headers and no body."""
    answer = server.ask("HEAD", f"{_BASE}/16/similar")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"] == server.ask("GET", f"{_BASE}/16/similar").headers["etag"]


def test_nns(server: Server, shop: mitame.Collection) -> None:
    """mruby_annoy's form: a JSON array of ids, or its 404."""
    answer = server.ask("GET", "/nns?category_id=shop&product_id=17&limit=5")
    assert answer.status == 200
    assert answer.json() == [each.id for each in shop.similar("17", limit=5).neighbors]
    for path in (
        "/nns?category_id=shop&product_id=none",
        "/nns?category_id=none&product_id=17",
        "/nns?product_id=17",
        "/nns?category_id=..%2Fshop&product_id=17",
        "/nns?category_id=shop&product_id=%00",
        "/nns",
    ):
        missing = server.ask("GET", path)
        assert (missing.status, missing.body) == (404, b'{"error":"not_found"}'), path
        assert missing.headers["content-type"] == "application/json"
    assert server.ask("GET", "/nns?category_id=shop&product_id=17&limit=0").status == 422


def test_nns_of_a_category(server: Server, data: Path) -> None:
    """A category that is no collection is one of the usual collection's."""
    with mitame.open(data, "default", lenses={"look": "vectors:2"}) as usual:
        for number in range(6):
            kind = "hat" if number % 2 else "shoe"
            usual.add(number, vector=[1, number], category=kind)
    assert server.ask("GET", "/nns?category_id=hat&product_id=0").json() == ["1", "3", "5"]
    assert server.ask("GET", "/nns?product_id=1&limit=2").json() == ["2", "3"]
