"""Groups of near-copies over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

import mitame
from mitame.wire.duplicates import DuplicatesReply
from tests.serving.running_server import Server

PATH = "/v1/collections/shop/duplicates"
COUNT = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Twenty pairs of near-copies, every third with a third one; the last ones after a merge."""
    rng = np.random.default_rng(2)
    data = tmp_path_factory.mktemp("duplicates")
    rows = rng.normal(size=(COUNT, 8)).astype(np.float32)
    with mitame.open(data, "shop", lenses={"vectors": "vectors:8"}) as shop:
        for n in range(COUNT):
            row = rows[n % 40] if n >= 40 else rows[n]
            shop.add(f"i{n:02}", vector=row + n * 1e-5, category="ab"[n % 3 == 0])
            if n == 50:
                shop.store.merge()
    with Server(data) as running:
        yield running


def asked(server: Server, **body: object) -> DuplicatesReply:
    answer = server.ask("POST", PATH, body)
    assert answer.status == 200, answer.body
    return msgspec.json.decode(answer.body, type=DuplicatesReply)


def test_pages(server: Server) -> None:
    """Pages of any size together are all groups, each once, in the same order."""
    expected = [[f"i{n:02}", f"i{n + 40:02}"] for n in range(20)]
    whole = asked(server)
    assert [each.ids for each in whole.groups] == expected
    assert (whole.total, whole.cursor, whole.exact, whole.lens) == (20, None, True, "vectors")
    assert whole.score == 0.95  # what the lens calls the same
    for limit in (1, 7, 20, 21):
        found, cursor = [], None
        while True:
            page = asked(server, limit=limit, cursor=cursor)
            found += [each.ids for each in page.groups]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected


def test_filters_and_thresholds(server: Server) -> None:
    """Both items of a pair must pass; a score that nothing reaches finds nothing."""
    found = asked(server, filter="category=a")
    passing = [n for n in range(20) if n % 3 and (n + 40) % 3]
    assert [each.ids[0] for each in found.groups] == [f"i{n:02}" for n in passing]
    same = asked(server, filter={"must": [{"key": "category", "match": "a"}]})
    assert same.groups == found.groups
    assert asked(server, score=1.5).groups == []


def test_written_since_is_seen(server: Server) -> None:
    """Each answer is of its own moment, whatever was kept of an earlier one."""
    before = asked(server)
    with mitame.open(server.data, "shop", create=False) as shop:
        shop.remove("i59")
        assert asked(server).total == before.total - 1
        row = np.random.default_rng(2).normal(size=(COUNT, 8)).astype(np.float32)[19]
        shop.add("i59", vector=row + 59e-5, category="a")
    after = asked(server)
    assert after.groups == before.groups
    assert after.position > before.position


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lens": "none"}, 404),
        ({"limit": 0}, 422),
        ({"limit": 1_001}, 422),
        ({"cursor": "*"}, 422),
        ({"cursor": "\u00e9"}, 422),
        ({"cursor": "/w=="}, 422),
        ({"score": "high"}, 422),
        ({"filter": "price<"}, 422),
        ({"unknown": 1}, 422),
        ([], 422),
        (b"{", 400),
    ],
)
def test_wrong_bodies(server: Server, body: object, status: int) -> None:
    """Each is a problem with a stable code."""
    answer = server.ask("POST", PATH, body, {"Content-Type": "application/json"})
    assert (answer.status, "code" in answer.json()) == (status, True), answer.body
