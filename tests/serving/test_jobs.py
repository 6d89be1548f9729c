"""Jobs and generations over HTTP, against a real server with a runner beside it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.serving.state import State
from mitame.serving.work.jobs import Jobs
from tests.serving.running_runner import server_with_runner, until
from tests.serving.running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_with_runner(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def shop(server: Server) -> str:
    """A collection of its own for each test, with a few items."""
    return made(server)


@pytest.fixture(scope="module")
def untouched(server: Server) -> str:
    """A collection that no test changes."""
    return made(server)


def made(server: Server) -> str:
    name = f"shop-{secrets.token_hex(4)}"
    random = np.random.default_rng(1)
    with mitame.open(server.data, name, lenses={"vectors": "vectors:8"}) as items:
        for number in range(5):
            items.add(str(number), vector=random.normal(size=8).astype(np.float32))
    return name


def finished(server: Server, job: str) -> dict[str, Any]:
    """A job, once it has ended."""
    until(lambda: bool(server.ask("GET", f"/v1/jobs/{job}").json()["ended"]), f"job {job}")
    found: dict[str, Any] = server.ask("GET", f"/v1/jobs/{job}").json()
    return found


def merged(server: Server, shop: str) -> dict[str, Any]:
    answer = server.ask("POST", f"/v1/collections/{shop}/merge")
    assert answer.status == 202, answer.body
    job = answer.json()["job"]
    assert answer.headers["location"] == f"/v1/jobs/{job}"
    return finished(server, job)


def test_merge_list_roll_back(server: Server, shop: str) -> None:
    """A merge is a job; its generation is listed; an older one can be served again."""
    where = f"/v1/collections/{shop}/generations"
    assert server.ask("GET", where).json() == {"generations": [], "delta": 5}
    first = merged(server, shop)
    assert (first["state"], first["result"]) == ("done", {"generation": 1})
    assert (first["progress"], first["eta_seconds"], first["error"]) == (1.0, None, None)
    with mitame.open(server.data, shop, create=False) as items:
        items.remove("0")
    assert merged(server, shop)["result"] == {"generation": 2}
    found = server.ask("GET", where).json()
    assert found["delta"] == 0
    assert [(g["number"], g["items"], g["served"]) for g in found["generations"]] == [
        (1, 5, False),
        (2, 4, True),
    ]
    back = server.ask("POST", f"{where}/1:activate")
    assert (back.status, back.json()["number"], back.json()["served"]) == (200, 1, True)
    assert server.ask("POST", f"{where}/1:activate").status == 200, "again changes nothing"
    described = server.ask("GET", f"/v1/collections/{shop}").json()
    assert (described["generation"], described["items"]) == (1, 4), "no item comes back"


def test_merge_takes_arguments(server: Server, shop: str) -> None:
    """What the body says reaches the merge: here, no neighbour table."""
    answer = server.ask("POST", f"/v1/collections/{shop}/merge", {"neighbors": 0, "keep": 1})
    assert finished(server, answer.json()["job"])["state"] == "done"
    described = server.ask("GET", f"/v1/collections/{shop}").json()
    assert described["lenses"]["vectors"]["neighbors"]["k"] == 0


def test_tune(server: Server, shop: str) -> None:
    """The choice is the job's result."""
    body = {"engines": ["exact"], "budget": 1, "recall": 0.9}
    answer = server.ask("POST", f"/v1/collections/{shop}/tune", body)
    job = finished(server, answer.json()["job"])
    assert job["state"] == "done", job
    assert job["result"]["lenses"]["vectors"]["choice"]["engine"] == "exact"


def test_listed_newest_first_and_paged(server: Server, shop: str) -> None:
    """Pages follow each other without a gap, by collection, kind and state."""
    ids = [merged(server, shop)["id"] for _ in range(3)]
    listing = f"/v1/jobs?collection={shop}&kind=merge&state=done&limit=2"
    one = server.ask("GET", listing).json()
    assert [job["id"] for job in one["jobs"]] == [ids[2], ids[1]]
    two = server.ask("GET", f"{listing}&cursor={one['cursor']}").json()
    assert [job["id"] for job in two["jobs"]] == [ids[0]]
    assert two["cursor"] is None
    assert server.ask("GET", f"/v1/jobs?collection={shop}&state=failed").json()["jobs"] == []


def test_what_ended_can_not_be_cancelled(server: Server, shop: str) -> None:
    """DELETE of it answers it as it is."""
    job = merged(server, shop)
    answer = server.ask("DELETE", f"/v1/jobs/{job['id']}")
    assert (answer.status, answer.json()["state"]) == (200, "done")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/jobs/nothing", None, 404, "job_not_found"),
        ("DELETE", "/v1/jobs/nothing", None, 404, "job_not_found"),
        ("GET", "/v1/jobs/%00", None, 404, "job_not_found"),
        ("GET", "/v1/jobs?cursor=nothing", None, 404, "job_not_found"),
        ("GET", "/v1/jobs?limit=0", None, 422, "invalid_body"),
        ("GET", "/v1/jobs?state=odd", None, 422, "invalid_body"),
        ("GET", "/v1/jobs?odd=1", None, 422, "invalid_body"),
        ("POST", "/v1/collections/none/merge", None, 404, "collection_not_found"),
        ("POST", "{shop}/merge", {"keep": 0}, 422, "invalid_body"),
        ("POST", "{shop}/merge", {"odd": 1}, 422, "invalid_body"),
        ("POST", "{shop}/merge", b"{", 415, "unsupported_media"),
        ("POST", "{shop}/index", {"targets": []}, 422, "invalid_body"),
        ("POST", "{shop}/tune", {"recall": 2}, 422, "invalid_body"),
        ("POST", "{shop}/generations/7:activate", None, 404, "generation_not_found"),
        ("POST", "{shop}/generations/0:activate", None, 404, "generation_not_found"),
        ("POST", "{shop}/generations/-1:activate", None, 404, "generation_not_found"),
        ("POST", "{shop}/generations/%D9%A1:activate", None, 404, "generation_not_found"),
        ("POST", "{shop}/generations/" + "9" * 400 + ":activate", None, 404, None),
    ],
)
def test_problems(
    server: Server,
    untouched: str,
    method: str,
    path: str,
    body: Any,
    status: int,
    code: str | None,
) -> None:
    """What can't be done is refused with a stable code, before any job is made."""
    before = len(server.ask("GET", f"/v1/jobs?collection={untouched}").json()["jobs"])
    answer = server.ask(method, path.format(shop=f"/v1/collections/{untouched}"), body)
    assert answer.status == status, answer.body
    assert code in (None, answer.json()["code"])
    after = server.ask("GET", f"/v1/jobs?collection={untouched}").json()["jobs"]
    assert len(after) == before


def test_scopes(tmp_path: Path) -> None:
    """A key sees and stops jobs of its own collections only, by its role; places on the server
    are told to administrators only."""
    for name in ("mine", "yours"):
        mitame.open(tmp_path, name, lenses={"vectors": "vectors:8"}).close()
    state = State(tmp_path)
    jobs = Jobs(state)
    keys = {role: _key(state, role) for role in ("read", "write", "admin")}
    mine, yours = jobs.add("merge", "mine"), jobs.add("merge", "yours")
    placed = jobs.add("index", "mine", {"targets": ["/secret"]})
    with Server(tmp_path) as server:

        def ask(role: str, method: str, path: str) -> int:
            return server.ask(method, path, None, {"api-key": keys[role]}).status

        def seen(role: str) -> set[str]:
            answer = server.ask("GET", "/v1/jobs", None, {"api-key": keys[role]})
            return {job["id"] for job in answer.json()["jobs"]}

        for role in keys:
            assert ask(role, "GET", f"/v1/jobs/{yours.id}") == 404
            assert ask(role, "DELETE", f"/v1/jobs/{yours.id}") == (403 if role == "read" else 404)
            assert ask(role, "POST", "/v1/collections/yours/merge") in (403, 404)
        assert seen("read") == seen("write") == {mine.id}
        assert seen("admin") == {mine.id, placed.id}
        assert ask("write", "GET", f"/v1/jobs/{placed.id}") == 404
        assert ask("write", "POST", "/v1/collections/mine/index") == 403
        assert ask("read", "POST", "/v1/collections/mine/merge") == 403
        assert ask("write", "DELETE", f"/v1/jobs/{mine.id}") == 200
    assert jobs.get(yours.id).cancelled is False
    state.close()


def _key(state: State, role: str) -> str:
    from mitame.serving.callers.key_store import KeyStore
    from mitame.serving.callers.roles import Role

    return KeyStore(state).add(role, Role[role.upper()], ["mine"])
