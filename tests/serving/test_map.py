"""The map of a collection over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

import mitame
from mitame.wire.maps import MapReply, from_bytes
from tests.serving.item_server import problem
from tests.serving.running_server import Server

PATH = "/v1/collections/shop/map"
BINARY = {"Accept": "application/octet-stream"}
COUNT = 90


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three groups of items, two with a category; ids that need more than ASCII."""
    rng = np.random.default_rng(2)
    data = tmp_path_factory.mktemp("map")
    with mitame.open(data, "shop", lenses={"own": "vectors:8", "other": "vectors:4"}) as shop:
        for number in range(COUNT):
            vector = np.eye(8)[number % 3] + rng.normal(0, 0.05, 8)
            category = ("mug", "hat", None)[number % 3]
            shop.add(f"ü{number}", vectors={"own": vector}, category=category)
    with Server(data) as running:
        yield running


def asked(server: Server, query: str = "") -> MapReply:
    answer = server.ask("GET", PATH + query)
    assert answer.status == 200, answer.body
    return msgspec.json.decode(answer.body, type=MapReply)


def test_every_item_has_a_place(server: Server) -> None:
    """Once, inside the square, with its category; the groups lie apart from each other."""
    found = asked(server)
    assert sorted(found.ids) == sorted(f"ü{n}" for n in range(COUNT))
    assert found.categories == ["hat", "mug"]
    assert (found.lens, found.total, found.complete) == ("own", COUNT, True)
    group = np.array([int(each[1:]) % 3 for each in found.ids])
    assert found.category == [(1, 0, 65_535)[g] for g in group.tolist()]
    places = np.stack([found.x, found.y], axis=1)
    assert places.min() >= 0
    assert places.max() <= 65_535
    middles = np.stack([places[group == g].mean(axis=0) for g in range(3)])
    nearest = np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, group)


def test_both_forms_say_the_same(server: Server) -> None:
    """JSON, the compact form, and a compressed one of either."""
    body = asked(server)
    for headers in (BINARY, {**BINARY, "Accept-Encoding": "gzip"}):
        answer = server.ask("GET", PATH, None, headers)
        assert answer.headers["content-type"] == "application/octet-stream"
        is_packed = answer.headers.get("content-encoding") == "gzip"
        assert is_packed == ("Accept-Encoding" in headers)
        data = gzip.decompress(answer.body) if is_packed else answer.body
        head, ids, x, y, category = from_bytes(data)
        assert (ids, x.tolist(), y.tolist()) == (body.ids, body.x, body.y)
        assert category.tolist() == body.category
        assert (head.categories, head.total, head.method) == (
            body.categories,
            body.total,
            body.method,
        )


def test_a_filter_moves_no_item(server: Server) -> None:
    """Those that pass lie where they lie among all, however it is said."""
    whole = asked(server)
    rows = zip(whole.ids, whole.x, whole.y, strict=True)
    places = {item: (x, y) for item, x, y in rows}
    for query in (
        "?category=mug",
        "?filter=category%3Dmug",
        "?category=mug&filter=category!%3Dhat",
    ):
        found = asked(server, query)
        assert found.total == COUNT // 3 == len(found.ids)
        assert found.categories == ["mug"]
        for item, x, y in zip(found.ids, found.x, found.y, strict=True):
            assert places[item] == (x, y)
    assert asked(server, "?category=none").ids == []


def test_a_limit_draws_some(server: Server) -> None:
    """The same ones each time, those of a smaller draw among them, at their places."""
    many, few = asked(server, "?limit=40"), asked(server, "?limit=10")
    assert (len(many.ids), len(few.ids), few.total) == (40, 10, COUNT)
    assert set(few.ids) < set(many.ids)
    assert asked(server, "?limit=10") == few


def test_nothing_new_is_not_sent_again(server: Server) -> None:
    """304 for the tag until something is written; another map has another tag."""
    answer = server.ask("GET", PATH)
    tag = {"If-None-Match": answer.headers["etag"]}
    again = server.ask("GET", PATH, None, tag)
    assert (again.status, again.body) == (304, b"")
    assert server.ask("GET", PATH, None, {**tag, **BINARY}).status == 200
    assert server.ask("GET", f"{PATH}?limit=5", None, tag).status == 200
    body = {"vectors": {"own": [1, 1, 0, 0, 0, 0, 0, 0]}, "category": "new"}
    assert server.ask("PUT", "/v1/collections/shop/items/new", body).status == 200
    new = server.ask("GET", PATH, None, tag)
    assert new.status == 200
    assert "new" in new.json()["ids"]
    assert server.ask("DELETE", "/v1/collections/shop/items/new").status == 204
    assert "new" not in asked(server).ids


def test_the_client_reads_it(server: Server) -> None:
    """As a local collection answers it."""
    with mitame.Client(server.url) as client:
        found = client.collection("shop").map(where="category=hat")
    with mitame.open(server.data, "shop") as shop:
        local = shop.map(where="category=hat")
    assert (found.ids, found.categories) == (local.ids, local.categories)
    assert np.array_equal(found.codes, local.codes)
    np.testing.assert_allclose(found.places, local.places, atol=1 / 65_535)


def test_a_lens_without_vectors_has_an_empty_map(server: Server) -> None:
    """No item, and no error."""
    found = asked(server, "?lens=other")
    assert (found.ids, found.total, found.complete) == ([], 0, True)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("?lens=none", "unknown_lens"),
        ("?filter=%3C", "invalid_filter"),
        ("?limit=0", "invalid_body"),
        ("?limit=1000001", "invalid_body"),
        ("?side=1", "invalid_body"),
    ],
)
def test_what_is_refused(server: Server, query: str, refusal: str) -> None:
    """With what is wrong."""
    assert problem(server.ask("GET", PATH + query))[1] == refusal


def test_a_merge_lays_the_map_out(server: Server) -> None:
    """The answer says so, has another tag, and items that come later are on it at once."""
    before = server.ask("GET", PATH)
    with mitame.open(server.data, "shop") as shop:
        shop.store.merge()
    tag = {"If-None-Match": before.headers["etag"]}
    after = server.ask("GET", PATH, None, tag)
    assert after.status == 200
    assert (before.json()["method"], after.json()["method"]) == ("principal", "layout")
    body = {"vectors": {"own": [1, 0, 0, 0, 0, 0, 0, 0]}}
    assert server.ask("PUT", "/v1/collections/shop/items/late", body).status == 200
    found = asked(server)
    assert found.method == "layout"
    assert "late" in found.ids
    assert set(found.ids) - {"late"} == set(after.json()["ids"])
