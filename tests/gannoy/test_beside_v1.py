"""gannoy's routes and v1 over the same items, and who may use them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.gannoy.client import JSON, Client, create, is_nothing, message
from tests.serving.running_server import Answered, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("beside"), "--gannoy") as running:
        yield running


def similar(database: Client, key: int) -> list[str]:
    """What v1 says about an item."""
    path = f"/v1/collections/{database.database}/items/{key}/similar"
    answer = database.server.ask("GET", path)
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.json()["neighbors"]]


def test_put_here_found_there(server: Server) -> None:
    """By id, by similarity and by vector; and an item put again is at its new place at once."""
    database = create(server, "here")
    for key in (1, 2, 3):
        database.put(key, [10, key])
    assert server.ask("GET", "/v1/collections/here/items/2").json()["id"] == "2"
    assert similar(database, 1) == ["2", "3"]
    query = {"vector": [10, 3.1], "limit": 1}
    found = server.ask("POST", "/v1/collections/here/query", query).json()["neighbors"]
    assert [each["id"] for each in found] == ["3"]
    assert similar(database, 1) == ["2", "3"]  # from a cache, if there is one
    database.put(2, [-10, 1])
    assert similar(database, 1) == ["3", "2"]
    database.delete(3)
    assert similar(database, 1) == ["2"]
    assert server.ask("GET", "/v1/collections/here/items/3").status == 404


def test_put_there_found_here(server: Server) -> None:
    """Items of integer ids; others are passed over, and do not use up the limit."""
    database = create(server, "there")
    for item_id in ("1", "chair", "007", "2", "-3"):
        x = {"1": 0, "chair": 0.1, "007": 0.2, "2": 0.3, "-3": 0.4}[item_id]
        body = {"vector": [1, x], "category": "mug"}
        assert server.ask("PUT", f"/v1/collections/there/items/{item_id}", body).status == 200
    assert database.keys(1) == [1, 2, -3]
    assert database.keys(1, 2) == [1, 2]
    assert is_nothing(database.search("key=7"), 404)
    database.put(7, [1, 0])
    assert sorted(database.keys(1)) == [-3, 1, 2, 7]
    assert server.ask("DELETE", "/v1/collections/there/items/2").status == 204
    assert is_nothing(database.search("key=2"), 404)
    database.put(1, [1, 0.4])
    item = server.ask("GET", "/v1/collections/there/items/1").json()
    assert item["category"] == "mug"


def test_a_database_comes_and_goes(server: Server) -> None:
    """One that is made or dropped elsewhere is seen at the next request."""
    database = create(server, "brief")
    database.put(1, [1, 0])
    assert server.ask("DELETE", "/v1/collections/brief").status == 204
    assert is_nothing(database.put(1, [1, 0]), 422)
    assert is_nothing(database.search("key=1"), 404)
    assert "brief" not in server.ask("GET", "/databases").json()
    create(server, "brief", dim=3)
    assert is_nothing(database.put(1, [1, 0]), 422)
    assert is_nothing(database.put(1, [1, 0, 0]), 200)


def test_the_page_is_where_it_always_is(server: Server) -> None:
    """At ``/``, with its files, and under the page's policy; gannoy has nothing there."""
    answer = server.ask("GET", "/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "trusted-types" in answer.headers["content-security-policy"]
    script = re.search(rb'src="(page/[^"]+[.]js)"', answer.body)
    assert script is not None
    found = server.ask("GET", "/" + script[1].decode())
    assert found.status == 200
    assert found.headers["content-type"].startswith("text/javascript")


def test_a_long_body_is_refused(server: Server) -> None:
    """413 with a message, before it is read."""
    database = create(server, "long")
    headers = {**JSON, "Content-Length": str(10**9)}
    answer = server.ask("PUT", "/databases/long/features/1", b"", headers)
    assert answer.status == 413
    assert is_nothing(database.search("key=1"), 404)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with keys, of which ``a`` reaches database a alone."""
    data = tmp_path_factory.mktemp("keys")
    with opened(data) as store:
        made = {role.word: store.add(role.word, role) for role in Role if role != Role.OPEN}
        made["a"] = store.add("a", Role.WRITE, ["a"])
    with Server(data, "--gannoy") as running:
        for name in ("a", "b"):
            headers = {"Authorization": f"Bearer {made['admin']}"}
            body = {"dim": 2}
            assert running.ask("PUT", f"/v1/collections/{name}", body, headers).status == 201
        yield running, made


def asked(keys: tuple[Server, dict[str, str]], name: str, method: str, path: str) -> Answered:
    server, secrets = keys
    body = b'{"features":[1,2]}' if method == "PUT" else None
    return server.ask(method, path, body, {**JSON, "api-key": secrets[name]})


def test_without_a_key(keys: tuple[Server, dict[str, str]]) -> None:
    """Health alone is open; else 401 in gannoy's form with what to send."""
    server, _ = keys
    assert is_nothing(server.ask("GET", "/health"), 200)
    answer = server.ask("GET", "/search?database=a&key=1")
    assert message(answer, 401)
    assert "www-authenticate" in answer.headers


def test_roles(keys: tuple[Server, dict[str, str]]) -> None:
    """Reading needs the role read, all else that of writing."""
    assert is_nothing(asked(keys, "write", "PUT", "/databases/b/features/1"), 200)
    assert asked(keys, "read", "GET", "/search?database=b&key=1").json() == [1]
    assert message(asked(keys, "read", "PUT", "/databases/b/features/1"), 403)
    assert message(asked(keys, "read", "DELETE", "/databases/b/features/1"), 403)
    assert message(asked(keys, "read", "PUT", "/savepoints/b"), 403)


def test_a_key_sees_its_own_databases_only(keys: tuple[Server, dict[str, str]]) -> None:
    """Another's is as one that is not there."""
    assert asked(keys, "a", "GET", "/databases").json() == ["a"]
    assert is_nothing(asked(keys, "write", "PUT", "/databases/b/features/5"), 200)
    for name in ("b", "none"):
        assert is_nothing(asked(keys, "a", "PUT", f"/databases/{name}/features/5"), 422)
        assert is_nothing(asked(keys, "a", "DELETE", f"/databases/{name}/features/5"), 422)
        assert is_nothing(asked(keys, "a", "GET", f"/search?database={name}&key=5"), 404)
        assert is_nothing(asked(keys, "a", "PUT", f"/savepoints/{name}"), 422)
    assert is_nothing(asked(keys, "a", "PUT", "/databases/a/features/5"), 200)
    assert asked(keys, "a", "PUT", "/savepoints").status == 202
