"""Names that lead inside: a resolver that changes its mind, and sites that send one elsewhere.

A real server process asks a real DNS server; `resolving_server` plays only the public internet.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from tests.images.sources.server import Server as Site
from tests.images.sources.server import serving
from tests.serving.canary import Canary
from tests.serving.name_server import Answers, NameServer, ask_name
from tests.serving.resolving_server import PUBLIC, resolving_server
from tests.serving.running_server import Server

NAMES: dict[str, Answers] = {
    "public": [[PUBLIC]],
    "flip": [[PUBLIC], ["127.0.0.1"]],
    "back": [["127.0.0.1"], [PUBLIC]],
    "inside": [["127.0.0.1"]],
    "mixed": [[PUBLIC, "127.0.0.1"]],
    "six": [[PUBLIC, "::1"]],
    "mapped": [["::ffff:127.0.0.1"]],
    "metadata": [["169.254.169.254"]],
    "nobody": [[]],
}
C = "/v1/collections/x"

Door = Callable[[Server, str], tuple[int, str]]
"""Hands a URL to a server: the status and the code of what comes of it; 200 and nothing."""


def _told(status: int, body: Mapping[str, Any]) -> tuple[int, str]:
    return status, str(body.get("code", ""))


def by_put(server: Server, url: str) -> tuple[int, str]:
    answer = server.ask("PUT", f"{C}/items/1", {"image_url": url})
    return _told(answer.status, answer.json())


def by_query(server: Server, url: str) -> tuple[int, str]:
    answer = server.ask("POST", f"{C}/query", {"image_url": url})
    return _told(answer.status, answer.json())


def by_embed(server: Server, url: str) -> tuple[int, str]:
    answer = server.ask("POST", "/v1/embed", {"embedder": "color", "image_url": url})
    return _told(answer.status, answer.json())


def by_batch(server: Server, url: str) -> tuple[int, str]:
    answer = server.ask("POST", f"{C}/items:batch", [{"id": "1", "image_url": url}])
    assert answer.status == 200, answer.body
    row = answer.json()["rows"][0]
    return _told(row["status"], row)


DOORS = (by_put, by_query, by_embed, by_batch)
each_door = pytest.mark.parametrize("door", DOORS)


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer(NAMES) as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """What is at the public address."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, names: NameServer, site: Site
) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    with resolving_server(data, names=names.port, site=site.server_port) as running:
        made = running.ask("PUT", C, {"lenses": {"color": "color"}})
        assert made.status == 201, made.body
        yield running


_numbers = count()


def fresh(kind: str) -> str:
    """A name of this kind that nobody has asked for yet."""
    return f"{kind}-{next(_numbers)}.test"


def test_names_change_their_addresses(names: NameServer) -> None:
    """The DNS server itself: what the tests below take for granted."""
    name = fresh("flip")
    assert [ask_name(name, names.port) for _ in range(3)] == [
        [PUBLIC],
        ["127.0.0.1"],
        ["127.0.0.1"],
    ]
    assert ask_name(fresh("six"), names.port) == [PUBLIC, "::1"]
    for kind in ("nobody", "unheard"):
        with pytest.raises(socket.gaierror):
            ask_name(fresh(kind), names.port)


@each_door
def test_a_public_site_is_asked(server: Server, names: NameServer, site: Site, door: Door) -> None:
    """By the same way, a picture comes: what refuses the others is not the small internet."""
    name = fresh("public")
    assert door(server, f"http://{name}/ok") == (200, "")
    assert site.asked[-1][1]["Host"] == name
    assert names.asked[name] == 1


@each_door
@pytest.mark.parametrize("kind", ["inside", "back", "mixed", "six", "mapped", "metadata"])
def test_a_name_that_leads_inside_is_refused(
    server: Server, site: Site, canary: Canary, kind: str, door: Door
) -> None:
    """One private address among its addresses is enough, whatever it will be at the next time."""
    before = len(site.asked)
    assert door(server, f"http://{fresh(kind)}:{canary.port}/ok") == (422, "fetch_refused")
    assert (canary.visits, len(site.asked)) == (0, before)


@each_door
def test_a_name_that_turns_inside_is_asked_once(
    server: Server, names: NameServer, site: Site, canary: Canary, door: Door
) -> None:
    """DNS rebinding: the connection goes to the public address that was checked, and nowhere else.

    What is there has nothing to give, and the second, private answer is never asked for.
    """
    name = fresh("flip")
    assert door(server, f"http://{name}:{canary.port}/status?n=404") == (422, "fetch_failed")
    assert site.asked[-1][1]["Host"] == f"{name}:{canary.port}"
    assert names.asked[name] == 1
    assert canary.visits == 0


@each_door
def test_a_name_that_turns_inside_does_so_between_redirects_in_vain(
    server: Server, names: NameServer, site: Site, canary: Canary, door: Door
) -> None:
    """A site that sends on to itself is resolved and checked anew: the second answer is refused."""
    name = fresh("flip")
    url = f"http://{name}:{canary.port}"
    assert door(server, f"{url}/to?url={quote(url)}/ok") == (422, "fetch_refused")
    assert site.asked[-1][0].startswith("/to?")
    assert names.asked[name] == 2
    assert canary.visits == 0


@each_door
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "[::1]", "inside", "mixed"],
)
def test_a_public_site_sends_nobody_inside(
    server: Server, site: Site, canary: Canary, host: str, status: int, door: Door
) -> None:
    """Whatever the kind of redirect, to an address or to a name that has one inside."""
    there = fresh(host) if host in NAMES else host
    place = quote(f"http://{there}:{canary.port}/ok")
    url = f"http://{fresh('public')}/to?status={status}&url={place}"
    assert door(server, url) == (422, "fetch_refused")
    assert site.asked[-1][0].startswith("/to?")
    assert canary.visits == 0


@each_door
def test_a_longer_way_leads_nobody_inside_either(
    server: Server, site: Site, canary: Canary, door: Door
) -> None:
    """From public site to public site, and only then inside."""
    place = f"http://127.0.0.1:{canary.port}/ok"
    for _ in range(3):
        place = f"http://{fresh('public')}/to?url={quote(place, safe='')}"
    before = len(site.asked)
    assert door(server, place) == (422, "fetch_refused")
    assert len(site.asked) == before + 3
    assert canary.visits == 0


@each_door
def test_a_name_without_addresses_has_failed(server: Server, canary: Canary, door: Door) -> None:
    """None at all, and a name that nobody knows."""
    for kind in ("nobody", "unheard"):
        url = f"http://{fresh(kind)}:{canary.port}/ok"
        assert door(server, url) == (422, "fetch_failed")
    assert canary.visits == 0


def test_nothing_of_it_was_kept(server: Server, canary: Canary) -> None:
    """A refused picture replaces nothing: the item is as it was."""
    assert by_put(server, f"http://{fresh('public')}/ok") == (200, "")
    before = server.ask("GET", f"{C}/items/1")
    assert by_put(server, f"http://{fresh('inside')}:{canary.port}/ok") == (422, "fetch_refused")
    after = server.ask("GET", f"{C}/items/1")
    assert (after.headers["etag"], after.body) == (before.headers["etag"], before.body)


@each_door
def test_where_it_is_allowed_the_same_names_lead_inside(
    tmp_path_factory: pytest.TempPathFactory,
    names: NameServer,
    site: Site,
    canary: Canary,
    door: Door,
) -> None:
    """With ``allow_private`` the canary sings: names and redirects do reach it but for the rule."""
    data = tmp_path_factory.mktemp("data")
    open_ = resolving_server(data, names=names.port, site=site.server_port, allow_private=True)
    with open_ as server:
        assert server.ask("PUT", C, {"lenses": {"color": "color"}}).status == 201
        inside = f"http://{fresh('inside')}:{canary.port}/ok"
        assert door(server, inside) == (422, "fetch_failed")
        assert canary.visits == 1
        assert door(server, f"http://{fresh('public')}/to?url={quote(inside)}") == (
            422,
            "fetch_failed",
        )
        assert canary.visits == 2
