"""Answers from inside nginx, by a real nginx over a real collection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from tests.deploy.inside import ODD_IDS, Inside, fill, inside
from tests.deploy.running_nginx import needs_lua

pytestmark = needs_lua


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("data")
    fill(found, "shop")
    fill(found, "mugs", 5, seed=1)
    return found


@pytest.fixture(scope="module")
def asking(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with inside(tmp_path_factory.mktemp("nginx"), data) as running:
        running.wait(lambda: running.ids("p0") != 503 and running.ids("p0", 10, "mugs") != 503)
        yield running


@pytest.mark.parametrize("limit", [1, 10, 100])
def test_same_as_the_library(asking: Inside, data: Path, limit: int) -> None:
    """Every item's answer is the library's, ids of all kinds included."""
    with mitame.open(data, "shop", create=False) as collection:
        for item in [*(f"p{n}" for n in range(40)), *ODD_IDS]:
            wanted = [each.id for each in collection.similar(item, limit=limit).neighbors]
            assert asking.ids(item, limit) == wanted


def test_within_a_category(asking: Inside, data: Path) -> None:
    """A category that is no collection's name filters."""
    with mitame.open(data, "shop", create=False) as collection:
        for category in ("kind 0", "kind 1", "kind 2"):
            answer = collection.similar("p7", limit=100, where=f"category={category}")
            assert asking.ids("p7", 100, category) == [each.id for each in answer.neighbors]
            assert len(answer.neighbors) > 5
    assert asking.ids("p7", 10, "kind 3") == []


def test_category_that_is_a_collection(asking: Inside, data: Path) -> None:
    """A category that is a collection's name asks that collection."""
    with mitame.open(data, "mugs", create=False) as collection:
        wanted = [each.id for each in collection.similar("p2", limit=8).neighbors]
    assert asking.ids("p2", 8, "mugs") == wanted
    assert asking.ids("p20", 8, "mugs") == 404


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("product_id=none", 404, {"error": "not_found"}),
        ("", 404, {"error": "not_found"}),
        ("product_id=", 404, {"error": "not_found"}),
        ("product_id=p0%00", 404, {"error": "not_found"}),
        ("product_id=" + "x" * 10_000, 404, {"error": "not_found"}),
        ("product_id=..%2F..%2Fetc", 404, {"error": "not_found"}),
        ("product_id=p0&limit=0", 422, {"error": "invalid_limit"}),
        ("product_id=p0&limit=-1", 422, {"error": "invalid_limit"}),
        ("product_id=p0&limit=10001", 422, {"error": "invalid_limit"}),
        ("product_id=p0&limit=1e3", 422, {"error": "invalid_limit"}),
        ("product_id=p0&limit=" + "9" * 400, 422, {"error": "invalid_limit"}),
    ],
)
def test_wrong_questions(asking: Inside, query: str, status: int, body: dict[str, str]) -> None:
    """What can't be answered has mruby_annoy's form of an error."""
    found, text = asking.get(query)
    assert (found, json.loads(text)) == (status, body)


@pytest.mark.parametrize(
    "category", ["..", "../shop", ".", "/", "shop/", "shop%00", "SHOP", "x" * 999]
)
def test_names_lead_nowhere(asking: Inside, category: str) -> None:
    """A category that would be a path is just a category that nothing has."""
    assert asking.ids("p0", 10, category) == []


def test_only_asking(asking: Inside) -> None:
    """Other methods are refused, and HEAD has no body."""
    assert asking.get("product_id=p0", "DELETE")[0] == 405
    assert asking.get("product_id=p0", "HEAD") == (200, b"")
