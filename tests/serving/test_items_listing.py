"""Items walked over and counted over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.serving.item_server import OWN, item_server, problem
from tests.serving.running_server import Server

COUNT = 230


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with item_server(tmp_path_factory.mktemp("listing")) as running:
        rows = [
            {
                "id": f"{n:03}\N{FOX FACE}",
                "vector": [n + 1, 1, 2, 3],
                "category": ("mug", "cup", None)[n % 3],
                "attributes": {"price": n},
            }
            for n in range(COUNT)
        ]
        assert running.ask("POST", f"{OWN}/items:batch", rows).json()["failed"] == 0
        yield running


def walked(server: Server, **body: Any) -> list[list[Any]]:
    """All pages."""
    pages, cursor = [], None
    while True:
        page = server.ask("POST", f"{OWN}/items:scroll", {**body, "cursor": cursor})
        assert page.status == 200, page.body
        pages.append(page.json()["items"])
        cursor = page.json()["cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", [1, 7, 115, 230, 231, 10_000])
def test_pages_are_whole_and_in_order(server: Server, limit: int) -> None:
    """Every item once, by id, in pages of the size that was asked for; none of them is empty."""
    pages = walked(server, limit=limit)
    ids = [item["id"] for page in pages for item in page]
    assert ids == [f"{n:03}\N{FOX FACE}" for n in range(COUNT)]
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert 1 <= len(pages[-1]) <= limit


@pytest.mark.parametrize(
    "condition",
    [
        "category=mug,price<100",
        {
            "must": [
                {"key": "category", "match": "mug"},
                {"key": "price", "range": {"lt": 100}},
            ]
        },
    ],
)
def test_a_filter(server: Server, condition: Any) -> None:
    """As text and as an object, for pages and for the count."""
    expected = [f"{n:03}\N{FOX FACE}" for n in range(100) if n % 3 == 0]
    pages = walked(server, limit=10, filter=condition)
    assert [item["id"] for page in pages for item in page] == expected
    counted = server.ask("POST", f"{OWN}/items:count", {"filter": condition})
    assert counted.json()["count"] == len(expected)
    assert server.ask("POST", f"{OWN}/items:count", {}).json()["count"] == COUNT
    assert walked(server, filter="price>1000") == [[]]


def test_vectors(server: Server) -> None:
    """As numbers and as base64, of all lenses or those named; left out unless asked for."""
    (plain,) = walked(server, limit=300)
    assert all("vectors" not in item for item in plain)
    (numbers,) = walked(server, limit=300, with_vectors=True)
    (packed,) = walked(server, limit=300, with_vectors=["vectors"], encoding="base64")
    for n, (one, other) in enumerate(zip(numbers, packed, strict=True)):
        expected = np.array([n + 1, 1, 2, 3], np.float32)
        expected /= np.linalg.norm(expected)
        assert np.allclose(one["vectors"]["vectors"], [expected], atol=1e-6)
        data = base64.b64decode(other["vectors"]["vectors"][0])
        assert np.allclose(np.frombuffer(data, "<f4"), expected, atol=1e-6)


def test_a_walk_goes_on_while_others_write(server: Server) -> None:
    """An item that comes before the cursor does not show, one after it does; none shows twice."""
    first = server.ask("POST", f"{OWN}/items:scroll", {"limit": 100}).json()
    for item_id in ("000", "zzz"):
        server.ask("PUT", f"{OWN}/items/{item_id}", {"vector": [1, 2, 3, 4]})
    body = {"limit": 1_000, "cursor": first["cursor"]}
    rest = server.ask("POST", f"{OWN}/items:scroll", body).json()
    assert rest["position"] == first["position"] + 2
    ids = [item["id"] for page in (first, rest) for item in page["items"]]
    assert ids == [*(f"{n:03}\N{FOX FACE}" for n in range(COUNT)), "zzz"]
    for item_id in ("000", "zzz"):
        server.ask("DELETE", f"{OWN}/items/{item_id}")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"limit": 0}, 422, "invalid_body"),
        ({"limit": 10_001}, 422, "invalid_body"),
        ({"limit": "10"}, 422, "invalid_body"),
        ({"cursor": "x"}, 422, "invalid_body"),
        ({"cursor": "\u00e9"}, 422, "invalid_body"),
        ({"cursor": ""}, 422, "invalid_body"),
        ({"cursor": base64.b64encode(b"[1]").decode()}, 422, "invalid_body"),
        ({"cursor": base64.b64encode(b'[1,""]').decode()}, 422, "invalid_body"),
        ({"cursor": "A" * 100_000}, 422, "invalid_body"),
        ({"offset": 5}, 422, "invalid_body"),
        ({"filter": "price<"}, 422, "invalid_filter"),
        ({"filter": {"must": [{}]}}, 422, "invalid_filter"),
        ({"filter": {"should": []}}, 422, "invalid_filter"),
        ({"filter": 5}, 422, "invalid_body"),
        ({"with_vectors": ["none"]}, 404, "unknown_lens"),
        ({"with_vectors": True, "encoding": "hex"}, 422, "invalid_body"),
    ],
)
def test_what_is_refused(server: Server, body: Any, status: int, code: str) -> None:
    """Limits, cursors, filters and lenses that can't be."""
    assert problem(server.ask("POST", f"{OWN}/items:scroll", body)) == (status, code)
    if set(body) == {"filter"}:
        assert problem(server.ask("POST", f"{OWN}/items:count", body)) == (status, code)
