"""Keys: who is let in, against a real server whose keys change while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mitame.serving.callers.key_store import KeyStore, new_secret, opened
from mitame.serving.callers.keys import FRESH_SECONDS
from mitame.serving.callers.roles import Role
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Answered, Server

READ, WRITE, ADMIN = "read", "write", "admin"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, str]:
    """A key for each role; ``a``: one that reaches collection a only, and may do all there."""
    with opened(data) as store:
        made = {role: store.add(role, Role[role.upper()]) for role in (READ, WRITE, ADMIN)}
        made["a"] = store.add("a", Role.ADMIN, ["a"])
    return made


@pytest.fixture(scope="module")
def server(data: Path, keys: dict[str, str]) -> Iterator[Server]:
    with limited_server(data, limits={"failed_keys_per_minute": 1_000_000}) as running:
        for name in ("a", "b"):
            made = ask(running, "PUT", f"/v1/collections/{name}", keys[ADMIN], {"dim": 2})
            assert made.status == 201, made.body
        yield running


def ask(
    server: Server, method: str, path: str, key: str | None = None, body: object = None
) -> Answered:
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return server.ask(method, path, body, headers)


def wait_for_change() -> None:
    """Longer than a server takes to notice; a test that needs more fails."""
    time.sleep(FRESH_SECONDS * 2)


def test_without_a_key_only_the_open_routes_answer(server: Server) -> None:
    """401 with what to send, and no word about what there is."""
    for path in ("/healthz", "/version"):
        assert ask(server, "GET", path).status == 200
    answer = ask(server, "GET", "/v1/collections/a")
    assert (answer.status, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert ask(server, "GET", "/v1/collections/none").status == 401


@pytest.mark.parametrize("header", ["Authorization", "api-key"])
def test_both_headers_are_read(server: Server, keys: dict[str, str], header: str) -> None:
    """``Authorization: Bearer``, in any letters, and ``api-key``."""
    prefixes = ("Bearer ", "bearer ") if header == "Authorization" else ("",)
    for prefix in prefixes:
        sent = {header: prefix + keys[READ]}
        assert server.ask("GET", "/v1/collections/a", headers=sent).status == 200


@pytest.mark.parametrize(
    "wrong",
    ["x", "mitame_", new_secret(), "é" * 50, "a" * 20_000, "' OR 1=1 --", "\t\t"],
    ids=["letter", "prefix", "another", "accents", "long", "quotes", "blanks"],
)
def test_wrong_keys_are_refused_alike(server: Server, keys: dict[str, str], wrong: str) -> None:
    """401 for each; a right key that is cut, longer or in other letters is a wrong one."""
    right = keys[ADMIN]
    for key in (wrong, right[:-1], right + "a", right.swapcase()):
        answer = server.ask("GET", "/v1/collections", headers={"api-key": key})
        assert answer.status == 401, key
        assert right not in answer.body.decode()


@pytest.mark.parametrize(
    ("role", "reads", "makes"), [(READ, 200, 403), (WRITE, 200, 403), (ADMIN, 200, 201)]
)
def test_a_role_includes_those_below_it(
    server: Server, keys: dict[str, str], role: str, reads: int, makes: int
) -> None:
    """Reading for all; making and dropping collections is for admins."""
    assert ask(server, "GET", "/v1/collections/a", keys[role]).status == reads
    assert ask(server, "PUT", f"/v1/collections/by-{role}", keys[role], {"dim": 2}).status == makes
    dropped = ask(server, "DELETE", f"/v1/collections/by-{role}", keys[role]).status
    assert dropped == (204 if makes == 201 else 403)


@pytest.mark.parametrize(
    ("role", "merges", "indexes"), [(READ, 403, 403), (WRITE, 202, 403), (ADMIN, 202, 202)]
)
def test_who_writes_may_merge_and_no_more(
    server: Server, keys: dict[str, str], role: str, merges: int, indexes: int
) -> None:
    """A merge applies what writers have written; other long work is for admins."""
    assert ask(server, "POST", "/v1/collections/a/merge", keys[role], {}).status == merges
    targets = {"targets": ["/nothing/there"]}
    assert ask(server, "POST", "/v1/collections/a/index", keys[role], targets).status == indexes
    assert ask(server, "POST", "/v1/collections/a/tune", keys[role], {}).status == indexes


def test_what_a_key_does_not_reach_is_not_there(server: Server, keys: dict[str, str]) -> None:
    """The very answer for a collection that exists and for one that does not, but its name."""
    assert ask(server, "GET", "/v1/collections", keys["a"]).json() == {"collections": ["a"]}
    assert ask(server, "GET", "/v1/collections/a", keys["a"]).status == 200
    for method, rest in [
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", ""),
        ("GET", "/items/1"),
        ("PUT", "/items/1"),
        ("DELETE", "/items/1"),
        ("GET", "/items/1/similar"),
        ("POST", "/query"),
        ("POST", "/items:scroll"),
        ("POST", "/merge"),
        ("GET", "/generations"),
    ]:
        there, absent = (
            ask(server, method, f"/v1/collections/{name}{rest}", keys["a"], {"dim": 2})
            for name in ("b", "c")
        )
        assert there.status == absent.status == 404, (method, rest, there.body)
        assert plain(there, "b") == plain(absent, "c")
    assert ask(server, "GET", "/v1/collections/b", keys[ADMIN]).status == 200


def plain(answer: Answered, name: str) -> str:
    """An answer's body without what differs between any two."""
    body = answer.body.decode().replace(answer.headers["x-request-id"], "")
    return body.replace(f"'{name}'", "NAME").replace(f"collections/{name}", "NAME")


def test_keys_change_without_a_restart(server: Server, data: Path, keys: dict[str, str]) -> None:
    """Another process adds, rotates and removes one; the server follows each."""
    assert keys
    with opened(data) as store:
        first = store.add("changing", Role.READ)
        wait_for_change()
        assert ask(server, "GET", "/v1/collections", first).status == 200
        second = store.rotate("changing")
        wait_for_change()
        assert ask(server, "GET", "/v1/collections", first).status == 401
        assert ask(server, "GET", "/v1/collections", second).status == 200
        store.remove("changing")
        wait_for_change()
        assert ask(server, "GET", "/v1/collections", second).status == 401


def test_no_key_is_kept_or_told(server: Server, data: Path, keys: dict[str, str]) -> None:
    """Neither in a file of the data directory, nor in what the server prints, nor in an error."""
    secret = keys[READ]
    wrong = new_secret()
    answers = [
        ask(server, "DELETE", "/v1/collections/a", secret),
        ask(server, "GET", "/v1/collections", wrong),
        ask(server, "GET", f"/v1/collections/a?key={secret}", secret),
    ]
    for answer in answers:
        assert secret.encode() not in answer.body
        assert wrong.encode() not in answer.body
    kept = b"".join(path.read_bytes() for path in (data / ".serving").rglob("*") if path.is_file())
    told = "".join(server.lines)
    for key in (secret, wrong, keys[ADMIN]):
        assert key.encode() not in kept
        assert f"Bearer {key}" not in told
    assert wrong not in told


def test_files_of_keys_are_for_the_owner_only(data: Path, keys: dict[str, str]) -> None:
    """Nobody else on the machine reads hashes, or writes a key of his own."""
    assert keys
    folder = data / ".serving"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.glob("state.sqlite3*"))


def test_the_same_name_twice_and_unknown_names(tmp_path: Path) -> None:
    """Each is refused with what to do; nothing changes."""
    with opened(tmp_path) as store:
        store.add("one", Role.READ)
        for wrong in ("one", "", "a b", "x" * 65, "-", "é", "a\n"):
            with pytest.raises(Exception, match="key"):
                store.add(wrong, Role.READ)
        for call in (store.rotate, store.remove):
            with pytest.raises(Exception, match="no key 'two'"):
                call("two")
        assert [key.name for key in store.all()] == ["one"]


def test_secrets_have_256_bits(tmp_path: Path) -> None:
    """43 characters of base64 after the prefix, never the same twice."""
    made = {new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(secret) for secret in made} == {len("mitame_") + 43}
    with opened(tmp_path) as store:
        assert isinstance(store, KeyStore)
        secret = store.add("one", Role.READ)
        assert secret.encode() not in store.all()[0].digest
