"""What pages of other origins may ask and read, with a real server: CORS (the Fetch standard)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.serving.item_server import picture
from tests.serving.limited_server import limited_server
from tests.serving.running_server import Answered, Server

SHOP, OTHER, STRANGER = "https://shop.example", "https://b.example:81", "https://evil.example"
X = "/v1/collections/x"
SIMILAR = f"{X}/items/a/similar?limit=2"
ALWAYS_READ = {
    *("cache-control", "content-language", "content-length"),
    *("content-type", "expires", "last-modified", "pragma"),
}
"""Headers that a page may read without being told (the Fetch standard's safelist)."""
NOT_FOR_PAGES = {
    *("connection", "content-encoding", "date", "server", "transfer-encoding", "vary"),
    "x-content-type-options",
}
"""Those that speak to the browser, not to a page's script."""


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    """Headers with the server's key, once it runs."""
    return {}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, key: dict[str, str]
) -> Iterator[Mapping[str, Server]]:
    """A server for two origins, and one for all, by what ``cors`` is."""
    data = tmp_path_factory.mktemp("data")
    with opened(data) as store:
        key["Authorization"] = f"Bearer {store.add('shop', Role.ADMIN)}"
    two = limited_server(data, limits={}, cors=[SHOP, OTHER])
    every = limited_server(data, limits={}, cors=["*"])
    with two, every:
        assert two.ask("PUT", X, {"dim": 3}, key).status == 201
        for name, vector in (("a", [1, 0, 0]), ("b", [1, 0.1, 0]), ("c", [0, 1, 0])):
            assert two.ask("PUT", f"{X}/items/{name}", {"vector": vector}, key).status == 200
        yield {"two": two, "*": every}


def listed(answer: Answered, header: str) -> set[str]:
    return {each.strip().lower() for each in answer.headers.get(header, "").split(",")}


def check_readable(answer: Answered, origin: str) -> None:
    """A page of the origin may read the answer, and each header that the service has put on it."""
    assert answer.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in answer.headers
    told = {name for name in answer.headers if not name.startswith("access-control-")}
    hidden = told - ALWAYS_READ - NOT_FOR_PAGES
    assert hidden <= listed(answer, "access-control-expose-headers")


@pytest.mark.parametrize(("cors", "told"), [("two", SHOP), ("*", "*")])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", X, 200),
        ("GET", f"{X}/items/a", 200),
        ("GET", f"{X}/items/none", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/v1/collections", 405),
        ("PUT", f"{X}/items/d", 415),
        ("GET", f"{X}/items/a/similar?limit=0", 422),
        ("POST", f"{X}/merge", 202),
        ("GET", "/healthz", 200),
        ("GET", "/openapi.json", 200),
    ],
)
def test_answers_and_errors_can_be_read(
    server: Mapping[str, Server],
    key: dict[str, str],
    cors: str,
    told: str,
    method: str,
    path: str,
    status: int,
) -> None:
    """Whatever the answer is, the page sees it, and not a failure of the network."""
    answer = server[cors].ask(method, path, headers={**key, "Origin": SHOP})
    assert answer.status == status, answer.body
    check_readable(answer, told)
    assert "origin" in listed(answer, "vary")


@pytest.mark.parametrize(("cors", "told"), [("two", SHOP), ("*", "*")])
def test_a_missing_key_can_be_read(server: Mapping[str, Server], cors: str, told: str) -> None:
    """401 comes from the gate, before any route."""
    answer = server[cors].ask("GET", X, headers={"Origin": SHOP})
    assert answer.status == 401
    check_readable(answer, told)


@pytest.mark.parametrize("cors", ["two", "*"])
def test_each_of_the_origins_is_named_and_no_other(
    server: Mapping[str, Server], key: dict[str, str], cors: str
) -> None:
    """Of several origins an answer names the one that asks; strangers get none but with ``*``."""
    for origin, allowed in ((SHOP, True), (OTHER, True), (STRANGER, False), ("null", False)):
        answer = server[cors].ask("GET", X, headers={**key, "Origin": origin})
        found = answer.headers.get("access-control-allow-origin")
        assert found == ("*" if cors == "*" else origin if allowed else None)
        assert answer.status == 200
        assert "origin" in listed(answer, "vary")


@pytest.mark.parametrize("cors", ["two", "*"])
def test_caches_tell_origins_apart(
    server: Mapping[str, Server], key: dict[str, str], cors: str
) -> None:
    """``Vary: Origin`` stands also where no origin asked: such an answer lets no page read it."""
    for path in (SIMILAR, f"{X}/items/a", "/openapi.json"):
        answer = server[cors].ask("GET", path, headers=key)
        assert answer.status == 200
        assert "origin" in listed(answer, "vary")


@pytest.mark.parametrize(("cors", "told"), [("two", SHOP), ("*", "*")])
def test_a_kept_product_page_is_readable_by_each(
    server: Mapping[str, Server], key: dict[str, str], cors: str, told: str
) -> None:
    """What is answered before the router, and its 304, carry the headers for whoever asks now."""
    for _ in range(3):
        answer = server[cors].ask("GET", SIMILAR, headers={**key, "Origin": SHOP})
        assert [each["id"] for each in answer.json()["neighbors"]] == ["b", "c"]
        check_readable(answer, told)
    tag = {"If-None-Match": answer.headers["etag"]}
    for _ in range(2):
        unchanged = server[cors].ask("GET", SIMILAR, headers={**key, **tag, "Origin": SHOP})
        assert (unchanged.status, unchanged.body) == (304, b"")
        check_readable(unchanged, told)
        assert "origin" in listed(unchanged, "vary")
    other = server[cors].ask("GET", SIMILAR, headers={**key, "Origin": OTHER})
    check_readable(other, "*" if cors == "*" else OTHER)


@pytest.mark.parametrize("cors", ["two", "*"])
def test_headers_of_ours_can_be_read(
    server: Mapping[str, Server], key: dict[str, str], cors: str
) -> None:
    """Those that single routes add: each is there, and a page may read it."""
    shop = {**key, "Origin": SHOP}
    once = {**shop, "Idempotency-Key": f"key-{cors}"}
    running, found = server[cors], {}
    for _ in range(2):
        put = running.ask("PUT", f"{X}/items/e", {"vector": [0, 0, 1]}, once)
    found["idempotent-replayed"] = found["etag"] = put
    found["location"] = running.ask("POST", f"{X}/merge", None, shop)
    found["allow"] = running.ask("DELETE", "/v1/collections", None, shop)
    found["www-authenticate"] = running.ask("GET", X, None, {"Origin": SHOP})
    binary = {**shop, "Accept": "application/octet-stream", "Content-Type": "image/png"}
    found["mitame-dimension"] = running.ask("POST", "/v1/embed?embedder=color", picture(1), binary)
    events = {"query_id": "q", "events": [{"type": "shown", "id": "a", "event_id": cors}]}
    assert running.ask("POST", f"{X}/feedback", events, shop).status == 200
    found["mitame-next"] = running.ask("GET", f"{X}/feedback?limit=1", None, shop)
    for name, answer in found.items():
        assert name in answer.headers, (name, answer)
        assert "x-request-id" in answer.headers
        check_readable(answer, "*" if cors == "*" else SHOP)


@pytest.mark.parametrize(("cors", "told"), [("two", SHOP), ("*", "*")])
def test_a_call_to_wait_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, cors: str, told: str
) -> None:
    """429 says how long, and the page sees it."""
    origins = [SHOP] if cors == "two" else ["*"]
    limits = {"requests_per_second": 0.1}
    with limited_server(tmp_path_factory.mktemp("data"), limits=limits, cors=origins) as running:
        for _ in range(200):
            answer = running.ask("GET", "/v1/collections", headers={"Origin": SHOP})
            if answer.status == 429:
                break
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) >= 1
    check_readable(answer, told)


@pytest.mark.parametrize(("cors", "told"), [("two", SHOP), ("*", "*")])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST", "GET"])
def test_a_preflight_lets_pages_write(
    server: Mapping[str, Server], cors: str, told: str, method: str
) -> None:
    """Before a PUT with conditions a browser asks without a key, and is told that it may."""
    wanted = {"authorization", "api-key", "content-type", "if-match", "idempotency-key"}
    headers = {
        "Origin": SHOP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ",".join(sorted(wanted)),
    }
    answer = server[cors].ask("OPTIONS", f"{X}/items/a", headers=headers)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == told
    assert method.lower() in listed(answer, "access-control-allow-methods")
    assert wanted <= listed(answer, "access-control-allow-headers")
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in listed(answer, "vary")


def test_a_preflight_lets_no_stranger_write(server: Mapping[str, Server]) -> None:
    """And the item is as it was, though the stranger does not ask first."""
    headers = {"Origin": STRANGER, "Access-Control-Request-Method": "PUT"}
    answer = server["two"].ask("OPTIONS", f"{X}/items/a", headers=headers)
    assert answer.status == 400
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("cors", ["two", "*"])
def test_what_a_page_was_let_do_is_done(
    server: Mapping[str, Server], key: dict[str, str], cors: str
) -> None:
    """The request after the preflight: a PUT with its condition is done, a late one is not."""
    shop = {**key, "Origin": OTHER}
    path = f"{X}/items/f-{'two' if cors == 'two' else 'every'}"
    first = server[cors].ask("PUT", path, {"vector": [1, 1, 1]}, shop)
    assert first.status == 200
    changed = {**shop, "If-Match": first.headers["etag"]}
    assert server[cors].ask("PUT", path, {"vector": [1, 1, 0]}, changed).status == 200
    late = server[cors].ask("PUT", path, {"vector": [0, 1, 1]}, changed)
    assert late.status == 412
    check_readable(late, "*" if cors == "*" else OTHER)
