"""Votes over HTTP, by the client, and in a backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mitame
from mitame.feedback import ComparisonStore
from tests.serving.running_server import Server

PATH = "/v1/collections/shop/comparisons"
BODY: dict[str, Any] = {
    "item": "a",
    "left": {"lens": "first", "ids": ["b"], "generation": 1},
    "right": {"lens": "second", "ids": ["b"], "exact": True},
    "better": "right",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    lenses = {"first": "vectors:2:euclidean", "second": "vectors:2:cosine"}
    with mitame.open(tmp_path, "shop", lenses=lenses) as shop:
        for name in "ab":
            shop.add(name, vectors={"first": [1, 2], "second": [2, 1]})
    with Server(tmp_path) as running:
        yield running


def test_a_vote_is_kept_and_added_up(server: Server, tmp_path: Path) -> None:
    """With what the lenses' vectors meant; it is on the disk, and in a backup of the collection."""
    answer = server.ask("POST", PATH, BODY)
    assert answer.status == 201
    with mitame.open(tmp_path, "shop") as shop:
        prints = {name: lens.spec.fingerprint for name, lens in shop.lenses.items()}
        shop.store.backup(tmp_path / "kept")
    usual = {"exact": False, "delta": True}
    assert answer.json()["left"] == {**BODY["left"], **usual, "fingerprint": prints["first"]}
    told = server.ask("GET", PATH).json()
    assert told["comparisons"] == [answer.json()]
    assert told["totals"] == [
        {"sides": ["first", "second exact"], "first": 0, "second": 1, "neither": 0}
    ]
    copy = ComparisonStore(tmp_path / "kept")
    assert [each.item for each in copy.comparisons()] == ["a"]
    copy.close()


def test_pages_go_on(server: Server) -> None:
    """By the client, which votes, too."""
    with mitame.Client(server.url) as client:
        shop = client.collection("shop")
        for _ in range(3):
            shop.vote("a", BODY["left"], BODY["right"], "neither")
        page = shop.votes(limit=2)
        assert len(page.comparisons) == 2
        assert len(shop.votes(after=page.after or 0, limit=2).comparisons) == 1


def test_votes_name_both_generations(server: Server) -> None:
    """Of one lens: a snapshot alone beside another, beside the served one with its delta, beside
    the same with its delta; what is exported tells them apart, and so do the totals."""
    one = {"lens": "first", "ids": ["b"], "generation": 1, "delta": False}
    two = {**one, "generation": 2}
    for left, right, better in (
        (one, two, "right"),
        (two, one, "right"),
        (one, {**two, "delta": True}, "left"),
        ({**two, "delta": True}, two, "neither"),
        ({**one, "exact": True}, one, "left"),
    ):
        body = {"item": "a", "left": left, "right": right, "better": better}
        assert server.ask("POST", PATH, body).status == 201
    with mitame.Client(server.url) as client:
        page = client.collection("shop").votes()
    assert [(each.left.generation, each.right.generation) for each in page.comparisons] == [
        (1, 2),
        (2, 1),
        (1, 2),
        (2, 2),
        (1, 1),
    ]
    assert [each.right.delta for each in page.comparisons] == [False, False, True, False, False]
    alone = [f"first, generation {number} alone" for number in (1, 2)]
    assert {tuple(each.sides): (each.first, each.second, each.neither) for each in page.totals} == {
        (alone[0], alone[1]): (1, 1, 0),
        (alone[0], "first, generation 2"): (1, 0, 0),
        ("first, generation 2", alone[1]): (0, 0, 1),
        ("first exact, generation 1 alone", alone[0]): (1, 0, 0),
    }


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"item": "none"}, 404),
        ({"left": {"lens": "none", "ids": []}}, 404),
        ({"right": BODY["left"]}, 400),
        ({"better": "both"}, 422),
        ({"left": {"lens": "first", "ids": ["b"] * 51}}, 422),
        ({"extra": 1}, 422),
    ],
)
def test_what_is_no_vote_is_refused(server: Server, change: dict[str, Any], status: int) -> None:
    """Each with its status, and nothing is kept."""
    assert server.ask("POST", PATH, {**BODY, **change}).status == status
    assert server.ask("GET", PATH).json() == {"comparisons": [], "totals": [], "after": None}
