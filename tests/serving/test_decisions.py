"""Decisions about near-copies over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.errors import DecisionNotFound, PreconditionFailed
from tests.serving.running_server import Answered, Server

SHOP = "/v1/collections/shop/duplicates"
PAIRS = 6


def collection(data: Path) -> None:
    """Six pairs of copies, and one item alone."""
    rows = np.random.default_rng(2).normal(size=(PAIRS + 1, 8))
    with mitame.open(data, "shop", lenses={"vectors": "vectors:8"}) as shop:
        for n in range(PAIRS):
            shop.add(f"a{n}", vector=rows[n])
            shop.add(f"b{n}", vector=rows[n] + 1e-4)
        shop.add("alone", vector=rows[PAIRS])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    collection(tmp_path)
    with Server(tmp_path) as running:
        yield running


def groups(server: Server, **body: Any) -> list[dict[str, Any]]:
    answer = server.ask("POST", SHOP, body)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["groups"]
    return found


def decide(server: Server, ids: list[str], value: str = "same", **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask("POST", f"{SHOP}:decide", {"ids": ids, "value": value}, named)


def test_decided_groups_are_marked_or_left_out(server: Server) -> None:
    """Totals and pages count what was asked for; a group that grows is undecided again."""
    assert all(each["decision"] is None for each in groups(server))
    first = decide(server, ["b1", "a1"]).json()
    decide(server, ["a3", "b3"], "different")
    marked = {each["ids"][0]: each["decision"] for each in groups(server)}
    assert marked["a1"] == {"id": first["id"], "value": "same"}
    assert marked["a3"]["value"] == "different"
    assert [name for name, each in marked.items() if each is None] == ["a0", "a2", "a4", "a5"]
    assert [each["ids"][0] for each in groups(server, decided=True)] == ["a1", "a3"]
    answer = server.ask("POST", SHOP, {"decided": False, "limit": 3}).json()
    assert [each["ids"][0] for each in answer["groups"]] == ["a0", "a2", "a4"]
    assert answer["total"] == 4
    rest = groups(server, decided=False, limit=3, cursor=answer["cursor"])
    assert [each["ids"][0] for each in rest] == ["a5"]
    with mitame.open(server.data, "shop") as shop:
        shop.add("c1", vector=shop.vectors("a1")[0])
    assert [each["ids"] for each in groups(server) if "c1" in each["ids"]] == [["a1", "b1", "c1"]]
    assert [each["ids"][0] for each in groups(server, decided=True)] == ["a3"]


def test_decisions_are_listed_and_withdrawn(server: Server) -> None:
    """In pages, in order; one by its id; gone, its group is undecided again."""
    made = [decide(server, [f"a{n}", f"b{n}"]).json() for n in range(5)]
    found, after = [], 0
    while after is not None:
        page = server.ask("GET", f"{SHOP}/decisions?after={after}&limit=2").json()
        found += page["decisions"]
        after = page["after"]
    assert found == made
    path = f"{SHOP}/decisions/{made[0]['id']}"
    one = server.ask("GET", path)
    assert one.json() == made[0]
    assert server.ask("DELETE", path, None, {"If-Match": '"0"'}).status == 412
    tag = {"If-Match": one.headers["etag"]}
    assert server.ask("DELETE", path, None, tag).status == 204
    assert server.ask("DELETE", path).status == 404
    assert server.ask("GET", path).json()["code"] == "decision_not_found"
    assert len(groups(server, decided=False)) == PAIRS - 4


def test_conditions_are_kept(server: Server) -> None:
    """First come, first served, where that is asked for; else the latest word counts."""
    first = decide(server, ["a0", "b0"], If_None_Match="*")
    assert first.status == 200
    assert decide(server, ["a0", "b0"], "different", If_None_Match="*").status == 412
    changed = decide(server, ["a0", "b0"], "different", If_Match=first.headers["etag"])
    assert changed.status == 200
    assert decide(server, ["a0", "b0"], "same", If_Match=first.headers["etag"]).status == 412
    assert groups(server)[0]["decision"]["value"] == "different"


def test_another_worker_and_another_day(server: Server) -> None:
    """kill -9 and a new server, or a store of another process: what was told is there."""
    made = decide(server, ["a0", "b0"]).json()
    server.process.kill()
    with Server(server.data) as again, mitame.Client(again.url) as client:
        shop = client.collection("shop")
        assert shop.decisions().decisions[0].id == made["id"]
        with pytest.raises(PreconditionFailed):
            shop.decide(["a0", "b0"], "different", replace=False)
        assert shop.decide(["a0", "b0"], "different").value == "different"
        assert shop.decision(made["id"]).value == "different"
        assert [each.ids for each in shop.duplicates(decided=True).groups] == [["a0", "b0"]]
        shop.withdraw(made["id"])
        with pytest.raises(DecisionNotFound):
            shop.decision(made["id"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ids": ["a0"], "value": "same"}, 422),
        ({"ids": ["a0", "a0"], "value": "same"}, 400),
        ({"ids": ["a0", ""], "value": "same"}, 422),
        ({"ids": ["a0", "none"], "value": "same"}, 404),
        ({"ids": ["a0", "b0"], "value": "similar"}, 422),
        ({"ids": ["a0", "b0"]}, 422),
        ({"ids": "a0", "value": "same"}, 422),
        ({"ids": [str(n) for n in range(1_001)], "value": "same"}, 422),
        ([], 422),
        (b"{", 400),
    ],
)
def test_what_is_refused(server: Server, body: object, status: int) -> None:
    """With a stable code; nothing is decided."""
    answer = server.ask("POST", f"{SHOP}:decide", body, {"Content-Type": "application/json"})
    assert (answer.status, "code" in answer.json()) == (status, True), answer.body
    assert server.ask("GET", f"{SHOP}/decisions").json()["decisions"] == []
