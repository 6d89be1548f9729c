"""Two tenants of one server: what one has, the other never learns, by whatever door it asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Answered, Server

SECRET_ID = "123456789"
"""An item of the other tenant, which gannoy's routes can name, too."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data directory and its keys: one tenant each for a and b, and who runs the server."""
    data = tmp_path_factory.mktemp("data")
    with opened(data) as store:
        made = {name: store.add(name, Role.ADMIN, [name]) for name in ("a", "b")}
        made["all"] = store.add("all", Role.ADMIN)
    return data, made


@pytest.fixture(scope="module")
def server(keys: tuple[Path, dict[str, str]]) -> Iterator[Server]:
    data, secrets = keys
    with limited_server(data, limits={}, gannoy=True, collection="b") as running:
        for name in ("a", "b"):
            path = f"/v1/collections/{name}"
            assert ask(running, secrets[name], "PUT", path, {"dim": 2}).status == 201
            for number in (SECRET_ID, "2"):
                body = {"vector": [1, int(number)], "category": f"category-of-{name}"}
                put = ask(running, secrets["all"], "PUT", f"{path}/items/{number}", body)
                assert put.status == 200, put.body
        assert ask(running, secrets["a"], "DELETE", f"/v1/collections/a/items/{SECRET_ID}").status
        assert ask(running, secrets["b"], "POST", "/v1/collections/b/merge", {}).status == 202
        yield running


def ask(server: Server, key: str, method: str, path: str, body: object = None) -> Answered:
    return server.ask(method, path, body, {"api-key": key})


DOORS = [
    ("GET", "/v1/collections", None),
    ("GET", "/v1/collections/{c}", None),
    ("GET", "/v1/collections/{c}/items/{i}", None),
    ("PUT", "/v1/collections/{c}/items/{i}", {"vector": [1, 2]}),
    ("PATCH", "/v1/collections/{c}/items/{i}", {"category": "x"}),
    ("DELETE", "/v1/collections/{c}/items/{i}", None),
    ("GET", "/v1/collections/{c}/items/{i}/similar", None),
    ("POST", "/v1/collections/{c}/items:batch", [{"id": "3", "vector": [1, 2]}]),
    ("POST", "/v1/collections/{c}/items:scroll", {}),
    ("POST", "/v1/collections/{c}/items:count", {}),
    ("POST", "/v1/collections/{c}/query", {"id": SECRET_ID}),
    ("POST", "/v1/collections/{c}/query", {"vector": [1, 2]}),
    ("POST", "/v1/collections/{c}/query:batch", {"queries": [{"id": SECRET_ID}]}),
    ("POST", "/v1/collections/{c}/compare", {"id": SECRET_ID, "other": "2"}),
    ("POST", "/v1/collections/{c}/duplicates", {}),
    ("POST", "/v1/collections/{c}/duplicates:decide", {"ids": ["2", "3"], "value": "same"}),
    ("GET", "/v1/collections/{c}/duplicates/decisions", None),
    ("GET", "/v1/collections/{c}/duplicates/decisions/1", None),
    ("DELETE", "/v1/collections/{c}/duplicates/decisions/1", None),
    ("GET", "/v1/collections/{c}/tuning", None),
    ("POST", "/v1/collections/{c}/evaluations", {}),
    ("GET", "/v1/collections/{c}/evaluations", None),
    ("POST", "/v1/collections/{c}/comparisons", {}),
    ("GET", "/v1/collections/{c}/comparisons", None),
    ("POST", "/v1/collections/{c}/feedback", {}),
    ("GET", "/v1/collections/{c}/feedback", None),
    ("POST", "/v1/collections/{c}/merge", {}),
    ("GET", "/v1/collections/{c}/generations", None),
    ("POST", "/v1/collections/{c}/generations/1:activate", None),
    ("GET", "/v1/collections/{c}/bad-files", None),
    ("GET", "/v1/jobs", None),
    ("POST", "/v1/embed", {"collection": "{c}", "image_base64": "AAAA"}),
    ("GET", "/nns?category_id={c}&product_id={i}", None),
    ("GET", "/nns?product_id={i}", None),
    ("GET", "/databases", None),
    ("GET", "/search?database={c}&key={i}", None),
    ("PUT", "/databases/{c}/features/{i}", {"features": [1, 2]}),
    ("POST", "/databases/{c}/features", {"key": 7, "features": [1, 2]}),
    ("DELETE", "/databases/{c}/features/{i}", None),
    ("PUT", "/savepoints/{c}", None),
    ("GET", "/metrics", None),
    ("GET", "/readyz", None),
    ("GET", "/openapi.json", None),
]


@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=[d[0] + " " + d[1] for d in DOORS])
def test_what_is_another_s_is_as_if_it_were_not(
    server: Server,
    keys: tuple[Path, dict[str, str]],
    method: str,
    path: str,
    body: object,
) -> None:
    """The tenant of a gets one answer for b, which is there, and for c, which is not."""
    found = []
    for name in ("b", "c"):
        told = (
            {k: name if v == "{c}" else v for k, v in body.items()}
            if isinstance(body, dict)
            else body
        )
        answer = ask(server, keys[1]["a"], method, path.format(c=name, i=SECRET_ID), told)
        text = answer.body.decode().replace(answer.headers.get("x-request-id", "-"), "")
        assert "category-of-b" not in text
        found.append((answer.status, text.replace(f"'{name}'", "C").replace(f"/{name}/", "/C/")))
    if path != "/metrics":  # its numbers move
        assert found[0] == found[1]
    assert found[0][0] != 202
    for number in (SECRET_ID, "2"):
        mine = ask(server, keys[1]["b"], "GET", f"/v1/collections/b/items/{number}").json()
        assert mine["category"] == "category-of-b"


def test_lists_hide_what_is_another_s(server: Server, keys: tuple[Path, dict[str, str]]) -> None:
    """Collections, databases and jobs; who reaches all sees all."""
    a, everything = keys[1]["a"], keys[1]["all"]
    assert ask(server, a, "GET", "/v1/collections").json() == {"collections": ["a"]}
    assert ask(server, a, "GET", "/databases").json() == ["a"]
    assert ask(server, a, "GET", "/v1/jobs").json()["jobs"] == []
    assert ask(server, everything, "GET", "/v1/collections").json() == {"collections": ["a", "b"]}
    jobs = ask(server, everything, "GET", "/v1/jobs").json()["jobs"]
    assert [job["collection"] for job in jobs] == ["b"]
    hidden = ask(server, a, "GET", f"/v1/jobs/{jobs[0]['id']}")
    absent = ask(server, a, "GET", "/v1/jobs/none")
    assert (hidden.status, hidden.json()["code"]) == (404, absent.json()["code"])
    assert ask(server, a, "DELETE", f"/v1/jobs/{jobs[0]['id']}").status == 404


def test_metrics_and_the_log_name_no_items(
    server: Server, keys: tuple[Path, dict[str, str]]
) -> None:
    """Numbers by route and status; a log line by route and the key's name. No ids, no keys."""
    metrics = server.ask("GET", "/metrics").body.decode()
    for text in (metrics, "".join(server.lines)):
        assert SECRET_ID not in text
        assert "category-of" not in text
        assert not [secret for secret in keys[1].values() if secret in text]


def test_a_retry_key_of_one_is_not_anothers(
    server: Server, keys: tuple[Path, dict[str, str]]
) -> None:
    """The same Idempotency-Key of two tenants: each gets its own answer."""
    answers = []
    for name in ("a", "b"):
        headers = {"api-key": keys[1][name], "Idempotency-Key": "one"}
        path = f"/v1/collections/{name}/items/9"
        body = {"vector": [1, 2], "category": f"category-of-{name}"}
        answers.append(server.ask("PUT", path, body, headers))
    assert [answer.json()["category"] for answer in answers] == ["category-of-a", "category-of-b"]
    assert "idempotent-replayed" not in answers[1].headers
