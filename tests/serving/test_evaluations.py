"""Evaluations over HTTP: begun as a job, done by a real runner, listed; by the client, too."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.collection import Choice, Evaluation, EvaluationStore
from mitame.errors import NoCategories
from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.serving.running_runner import server_with_runner
from tests.serving.running_server import Server

ITEMS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_with_runner(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def shop(server: Server) -> str:
    """A collection of its own: two lenses, items of two kinds that lie apart in the first."""
    name = f"shop-{secrets.token_hex(4)}"
    lenses = {"apart": "vectors:4:euclidean", "mixed": "vectors:4:euclidean"}
    rng = np.random.default_rng(1)
    with mitame.open(server.data, name, lenses=lenses) as items:
        for number in range(ITEMS):
            kind, vector = number % 2, rng.normal(size=4)
            vectors = {"apart": vector + 100 * kind, "mixed": vector}
            items.add(str(number), vectors=vectors, category=f"kind-{kind}")
    return name


def test_measured_by_a_job_and_listed(server: Server, shop: str) -> None:
    """Each lens has what is measured here by hand; it says of which moment; it stays."""
    path = f"/v1/collections/{shop}/evaluations"
    assert server.ask("GET", path).json() == {"evaluations": [], "cursor": None}
    answer = server.ask("POST", path, {"k": 5, "sample": 20})
    assert answer.status == 202
    job = answer.json()["job"]
    assert answer.headers["location"] == f"/v1/jobs/{job}"
    with mitame.Client(server.url) as client:
        ended = client.wait(job)
    assert (ended.kind, ended.state, ended.done, ended.total) == ("evaluate", "done", 40, 40)
    told = server.ask("GET", path).json()
    assert told["cursor"] is None
    assert ended.result == {"evaluations": told["evaluations"][::-1]}
    mixed, apart = told["evaluations"]
    assert (apart["lens"], apart["measures"]["share"]) == ("apart", 1)
    assert 0.2 < mixed["measures"]["share"] < 0.8
    with mitame.open(server.data, shop, create=False) as items:
        wanted = items.evaluate(k=5, sample=20, keep=False)
        prints = {name: lens.spec.fingerprint for name, lens in items.lenses.items()}
    for found, own in zip((apart, mixed), wanted, strict=True):
        assert found["measures"] == own.measures
        assert (found["position"], found["generation"], found["engine"]) == (ITEMS, 0, "exact")
        assert (found["queries"], found["k"], found["kind"]) == (20, 5, "categories")
        assert found["fingerprint"] == prints[found["lens"]]
        assert found["at"].endswith("Z")


def test_a_merge_of_the_server_adds_its_recall(server: Server, shop: str) -> None:
    """Listed with the rest, and alone by its kind."""
    with mitame.open(server.data, shop, create=False) as items:
        items.store.choose("apart", Choice("cascade", {}))
    with mitame.Client(server.url) as client:
        merged = client.wait(client.collection(shop).merge())
        assert merged.result == {"generation": 1}
        (found,) = client.collection(shop).evaluations(kind="recall").evaluations
        index = client.collection(shop).describe().lenses["apart"].index
    assert found.measures == {"recall": index["recall"]}
    assert (found.lens, found.generation, found.engine) == ("apart", 1, "cascade")
    assert (found.queries, found.k) == (index["sample"], index["k"])


def test_pages_follow_each_other(server: Server, shop: str) -> None:
    """The newest first, none twice, and the last page says that it is the last."""
    one = Evaluation("categories", "apart", "print", "exact", 1, 0, 9, 10, {"share": 0.5}, 5)
    with closing(EvaluationStore(server.data / shop)) as store:
        kept = store.add([one] * 5)
    with mitame.Client(server.url) as client:
        served, seen, cursor = client.collection(shop), [], None
        for _ in range(3):
            page = served.evaluations(limit=2, cursor=cursor)
            seen += [each.sequence for each in page.evaluations]
            cursor = page.cursor
        assert cursor is None
        assert seen == [each.sequence for each in kept[::-1]]
        assert served.evaluations(limit=5).cursor is None
        assert served.evaluations(lens="mixed").evaluations == []


def test_by_the_client_for_asyncio(server: Server, shop: str) -> None:
    """It begins and lists as the other one does."""

    async def measured() -> list[str]:
        async with mitame.AsyncClient(server.url) as client:
            served = client.collection(shop)
            await client.wait(await served.evaluate(lens="mixed", sample=10))
            return [each.lens for each in (await served.evaluations()).evaluations]

    assert asyncio.run(measured()) == ["mixed"]


def test_without_categories_nothing_is_begun(server: Server, shop: str) -> None:
    """It is refused at once and says what to do; with one category, too."""
    with mitame.open(server.data, shop, create=False) as items:
        for number in range(ITEMS):
            items.update(str(number), category="one")
    with mitame.Client(server.url) as client:
        with pytest.raises(NoCategories):
            client.collection(shop).evaluate()
        assert client.jobs(collection=shop, kind="evaluate").jobs == []
    answer = server.ask("POST", f"/v1/collections/{shop}/evaluations")
    assert (answer.status, answer.json()["code"]) == (409, "no_categories")
    assert "set categories" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "query", "body", "status", "code"),
    [
        ("POST", "", {"lens": "none"}, 404, "unknown_lens"),
        ("POST", "", {"k": 0}, 422, "invalid_body"),
        ("POST", "", {"sample": 100_001}, 422, "invalid_body"),
        ("POST", "", {"extra": 1}, 422, "invalid_body"),
        ("GET", "?kind=none", None, 422, "invalid_body"),
        ("GET", "?limit=0", None, 422, "invalid_body"),
        ("GET", "?cursor=0", None, 422, "invalid_body"),
        ("GET", "?cursor=9223372036854775808", None, 422, "invalid_body"),
    ],
)
def test_problems(
    server: Server, shop: str, method: str, query: str, body: Any, status: int, code: str
) -> None:
    """What is wrong is refused with a stable code, before any job is made."""
    answer = server.ask(method, f"/v1/collections/{shop}/evaluations{query}", body)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert server.ask("GET", f"/v1/jobs?collection={shop}").json()["jobs"] == []


def test_roles(tmp_path: Path) -> None:
    """Who may read, reads; only administrators have it measured."""
    with mitame.open(tmp_path, "shop", lenses={"v": "vectors:2"}) as items:
        items.add("a", vector=[1, 2], category="x")
        items.add("b", vector=[2, 1], category="y")
    with opened(tmp_path) as store:
        keys = {role: store.add(role.word, role) for role in (Role.READ, Role.WRITE, Role.ADMIN)}
    with Server(tmp_path) as server:
        for role, key in keys.items():
            for method, wanted in (("GET", 200), ("POST", 202 if role is Role.ADMIN else 403)):
                path = "/v1/collections/shop/evaluations"
                assert server.ask(method, path, None, {"api-key": key}).status == wanted
