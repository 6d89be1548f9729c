"""Questions that one generation alone answers, over HTTP and by the client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.client import ServedCollection
from mitame.errors import GenerationNotFound
from tests.serving.processes import children, until
from tests.serving.running_server import Server
from tests.serving.test_open_files import mapped

QUERY = "/v1/collections/shop/query"
ITEMS = 30


def vector(number: int) -> list[float]:
    return np.random.default_rng(number).normal(size=6).tolist()  # type: ignore[no-any-return]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A first generation; a second one without i1, with another i2, and with ten more items."""
    with mitame.open(tmp_path, "shop", lenses={"own": "vectors:6"}) as shop:
        for number in range(ITEMS):
            shop.add(f"i{number}", vector=vector(number), category="ab"[number % 2])
        shop.store.merge()
        shop.remove("i1")
        shop.add("i2", vector=vector(1_000), category="a", attributes={"n": 1})
        for number in range(ITEMS, ITEMS + 10):
            shop.add(f"i{number}", vector=vector(number), category="a")
        shop.store.merge()
        shop.add("last", vector=vector(1))
    return tmp_path


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    with Server(data, "--no-merge") as running:
        yield running


def asked(server: Server, body: Any, path: str = QUERY, **headers: str) -> Any:
    answer = server.ask("POST", path, body, headers)
    assert answer.status == 200, answer.body
    return answer.json()


def found(answer: Any) -> dict[str, Any]:
    return {each["id"]: each for each in answer["neighbors"]}


def test_each_generation_answers_by_itself(server: Server) -> None:
    """The older one with what was removed or replaced since, told as such; both without what came
    later; the answer says which generation and which position."""
    body = {"vector": vector(1), "limit": 100}
    now, second, first = (
        asked(server, {**body, **more}) for more in ({}, {"generation": 2}, {"generation": 1})
    )
    assert now["generation"] == second["generation"] == 2
    assert (first["generation"], first["position"]) == (1, ITEMS)
    assert second["position"] == now["position"] - 1
    assert found(now).keys() - found(second).keys() == {"last"}
    assert len(found(second)) == ITEMS + 9
    assert set(found(first)) == {f"i{n}" for n in range(ITEMS)}
    assert {i: each["since"] for i, each in found(first).items() if "since" in each} == {
        "i1": "gone",
        "i2": "changed",
    }
    assert not [
        each for answer in (now, second) for each in found(answer).values() if "since" in each
    ]
    assert first["neighbors"][0]["id"] == "i1"
    assert found(first)["i2"]["attributes"] == {"n": 1}
    filtered = asked(server, {**body, "generation": 1, "filter": "category=b"})
    assert set(found(filtered)) == {f"i{n}" for n in range(1, ITEMS, 2)}


def test_however_it_is_asked(server: Server) -> None:
    """By an item, in a batch with others, by a vector alone with the query string, explained."""
    one = {"id": "i3", "limit": 4, "generation": 1}
    answer = asked(server, {**one, "with": ["attributes", "vector", "explain"]})
    assert answer["explain"]["items"] == ITEMS
    assert len(answer["neighbors"][0]["vector"]) == 6
    exact = asked(server, {**one, "exact": True})
    assert list(found(exact)) == list(found(answer))
    bodies = [one, {"id": "i3", "limit": 4}, {**one, "generation": 7}]
    batch = asked(server, {"queries": bodies}, "/v1/collections/shop/query:batch")["answers"]
    assert [each["status"] for each in batch] == [200, 200, 404]
    assert [each["answer"]["generation"] for each in batch[:2]] == [1, 2]
    assert found(batch[0]["answer"]).keys() == found(answer).keys()
    assert batch[2]["code"] == "generation_not_found"
    raw = np.array(vector(1), "<f4").tobytes()
    kind = {"Content-Type": "application/octet-stream"}
    alone = asked(server, raw, f"{QUERY}?generation=1&limit=1", **kind)
    assert alone["neighbors"][0]["since"] == "gone"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"generation": 9}, 404, "generation_not_found"),
        ({"generation": 0}, 404, "generation_not_found"),
        ({"generation": -1}, 422, "invalid_body"),
        ({"generation": "1"}, 422, "invalid_body"),
        ({"generation": 1, "id": "i1"}, 404, "item_not_found"),
        ({"generation": 1, "filter": "n=1"}, 422, "invalid_filter"),
    ],
)
def test_what_cannot_be_asked(server: Server, change: Any, status: int, code: str) -> None:
    """Each is refused with its code; a generation that is gone, with those that are kept."""
    answer = server.ask("POST", QUERY, {"id": "i3", **change})
    assert (answer.status, answer.json()["code"]) == (status, code)
    if code == "generation_not_found":
        assert "ask one of those that are kept: 1, 2" in answer.body.decode()


def test_by_the_client(server: Server, data: Path) -> None:
    """The same words, and the same answers as of a collection of one's own."""
    with mitame.Client(server.url) as client, mitame.open(data, "shop") as own:
        shop: ServedCollection = client.collection("shop")
        for answer, local in (
            (
                shop.search(vector=vector(1), generation=1),
                own.search(vector=vector(1), generation=1),
            ),
            (shop.similar("i3", generation=1), own.similar("i3", generation=1)),
        ):
            assert [(n.id, n.since) for n in answer.neighbors] == [
                (n.id, n.since) for n in local.neighbors
            ]
            assert (answer.generation, answer.position) == (1, local.position)
        assert shop.query(id="i3", generation=1, limit=5).generation == 1
        gone = shop.search(vector=vector(1), generation=1).neighbors[0]
        assert (gone.since, gone.image.source) == ("gone", None)
        with pytest.raises(GenerationNotFound, match="no generation 5"):
            shop.similar("i3", generation=5)
        with pytest.raises(GenerationNotFound, match="no generation 5"):
            own.similar("i3", generation=5)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_worker_holds_no_generation_that_is_gone(data: Path) -> None:
    """It asks two older ones; others merge; once it has answered, all that it has is served."""
    with Server(data, "--workers", "1", "--no-merge") as server, mitame.open(data, "shop") as shop:
        (worker,) = children(server)
        for number in (1, 2):
            asked(server, {"id": "i3", "generation": number})
        assert {Path(name).parent.name for name in mapped(worker)} == {"000001", "000002"}
        for name in ("more", "most"):
            shop.add(name, vector=vector(7))
            shop.store.merge(keep=1)
            asked(server, {"id": "i3"})
        until(
            lambda: {Path(name).parent.name for name in mapped(worker)} == {"000004"},
            "nothing but the served generation",
        )
        assert 1 not in [info.number for info in shop.store.generations()]
        answer = server.ask("POST", QUERY, {"id": "i3", "generation": 1})
        assert (answer.status, answer.json()["code"]) == (404, "generation_not_found")
