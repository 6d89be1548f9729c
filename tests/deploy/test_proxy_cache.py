"""What nginx before mitame stores and what it never does."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.deploy.counting_server import CountingServer
from tests.deploy.proxied import proxied
from tests.deploy.running_nginx import SECONDS, Nginx, free_port, needs_nginx

pytestmark = needs_nginx
SIMILAR = "/v1/collections/shop/items/{}/similar"


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


class Proxy:
    """Asks an nginx before a counting server."""

    def __init__(self, nginx: Nginx, server: CountingServer) -> None:
        self.nginx, self.server = nginx, server

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes = b"",
    ) -> Answered:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.port, timeout=SECONDS)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, found, answer.read().decode())
        finally:
            connection.close()

    def asked(self) -> int:
        """How often the server was asked so far."""
        return len(self.server.now.seen)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    with (
        CountingServer() as server,
        proxied(folder, free_port(), server.port, server.port) as nginx,
    ):
        yield Proxy(nginx, server)


@pytest.fixture(autouse=True)
def as_usual(proxy: Proxy) -> None:
    """The server answers as it does first."""
    proxy.server.now.status, proxy.server.now.tag = 200, '"1"'


def stored(proxy: Proxy, path: str) -> Answered:
    """An answer that nginx had stored."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        answer = proxy.ask(path)
        if answer.headers["x-cache"] == "HIT":
            return answer
    raise AssertionError("nothing was stored")


@pytest.mark.parametrize(
    "path",
    [SIMILAR.format("a"), "/nns?product_id=1", "/v1/collections/shop/items/a%2Fb/thumbnail"],
)
def test_repeated_question_is_not_passed_on(proxy: Proxy, path: str) -> None:
    """The same question within a second is answered by nginx."""
    answer = stored(proxy, path)
    assert answer.text == f'{path} for anybody, "1"'


def test_other_questions_are_others(proxy: Proxy) -> None:
    """Every part of the path and query counts, in the form in which it came."""
    paths = [SIMILAR.format(each) for each in ("x", "X", "x%2Fy", "x/y", "%78")]
    paths += [f"{paths[0]}?limit=1", f"{paths[0]}?limit=2"]
    for path in paths * 2:
        assert proxy.ask(path).text == f'{path} for anybody, "1"'


@pytest.mark.parametrize("header", ["Authorization", "api-key", "Cookie"])
def test_nothing_leaks_between_keys(proxy: Proxy, header: str) -> None:
    """Who shows a key is never given a stored answer, and no answer to a key is stored."""
    path = SIMILAR.format(f"secret-{header}")
    for key in ("one", "two", "one"):
        before = proxy.asked()
        answer = proxy.ask(path, {header: key})
        assert answer.headers["x-cache"] == "BYPASS"
        assert proxy.asked() == before + 1
        assert proxy.server.now.seen[-1].headers[header.lower()] == key
    before = proxy.asked()
    assert proxy.ask(path).text.startswith(f"{path} for anybody")
    assert proxy.asked() == before + 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_refusals_are_not_stored(proxy: Proxy, status: int) -> None:
    """Only a good answer is."""
    path = SIMILAR.format(f"refused-{status}")
    proxy.server.now.status = status
    assert proxy.ask(path).status == status
    proxy.server.now.status = 200
    assert proxy.ask(path).status == 200


@pytest.mark.parametrize("path", ["/v1/collections", "/v1/collections/shop/items/a", "/healthz"])
def test_the_rest_is_never_stored(proxy: Proxy, path: str) -> None:
    """Items, collections and whether it lives are asked for each time."""
    for _ in range(3):
        before = proxy.asked()
        assert "x-cache" not in proxy.ask(path).headers
        assert proxy.asked() == before + 1


def test_writes_pass(proxy: Proxy) -> None:
    """Other methods go through, with their bodies, past what is stored."""
    path = SIMILAR.format("written")
    stored(proxy, path)
    for method in ("PUT", "POST", "DELETE"):
        before = proxy.asked()
        assert proxy.ask(path, method=method, body=b"x" * 300_000).status == 200
        assert proxy.asked() == before + 1
        assert (proxy.server.now.seen[-1].method, len(proxy.server.now.seen[-1].body)) == (
            method,
            300_000,
        )


def test_revalidated_by_its_tag(proxy: Proxy) -> None:
    """After its second an answer is asked for by its ETag, and a changed one replaces it."""
    path = SIMILAR.format("tagged")
    stored(proxy, path)
    _until(proxy, path, "REVALIDATED")
    assert proxy.server.now.seen[-1].headers["if-none-match"] == '"1"'
    proxy.server.now.tag = '"2"'
    assert _until(proxy, path, "EXPIRED").text.endswith('"2"')


def _until(proxy: Proxy, path: str, status: str) -> Answered:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        answer = proxy.ask(path)
        if answer.headers["x-cache"] == status:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"it never was {status}")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_stale_rather_than_broken(proxy: Proxy, status: int) -> None:
    """While the servers fail, the last good answer is given."""
    path = SIMILAR.format(f"stale-{status}")
    stored(proxy, path)
    proxy.server.now.status = status
    answer = _until(proxy, path, "STALE")
    assert (answer.status, answer.text) == (200, f'{path} for anybody, "1"')


def test_one_of_many_asks(proxy: Proxy) -> None:
    """Of many who ask the same at once, one is passed on."""
    path, before = SIMILAR.format("popular"), proxy.asked()
    threads = [threading.Thread(target=proxy.ask, args=(path,)) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(seen.path == path for seen in proxy.server.now.seen[before:]) < 4


def test_request_ids(proxy: Proxy) -> None:
    """A plain id is passed on and an odd one replaced; a stored answer has an id of its own."""
    proxy.ask("/v1/collections", {"X-Request-Id": "mine-1"})
    assert proxy.server.now.seen[-1].headers["x-request-id"] == "mine-1"
    answer = proxy.ask("/v1/collections", {"X-Request-Id": 'odd" id'})
    assert len(proxy.server.now.seen[-1].headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"] == f"server-{proxy.asked()}"
    path = SIMILAR.format("ids")
    first, second = stored(proxy, path), stored(proxy, path)
    assert len({first.headers["x-request-id"], second.headers["x-request-id"]}) == 2


def test_addresses_can_not_be_made_up(proxy: Proxy) -> None:
    """What a caller says of its own address is not passed on."""
    proxy.ask("/v1/collections", {"X-Forwarded-For": "10.9.9.9"})
    assert proxy.server.now.seen[-1].headers["x-forwarded-for"] == "127.0.0.1"


def test_log_has_no_secrets(proxy: Proxy) -> None:
    """Neither keys nor what was asked stand in the log."""
    proxy.ask("/v1/collections?token=hush", {"Authorization": "Bearer hush"})
    lines = (proxy.nginx.prefix / "mitame.log").read_text()
    assert '"GET /v1/collections" 200' in lines
    assert "hush" not in lines


def test_bounds(proxy: Proxy) -> None:
    """A body beyond the bound is refused before it is read, as the servers would say it."""
    before = proxy.asked()
    answer = proxy.ask("/v1/embed", {"Content-Length": "200000000"}, "POST")
    problem = json.loads(answer.text)
    assert (answer.status, problem["code"]) == (413, "body_too_large")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert proxy.asked() == before
