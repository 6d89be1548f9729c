"""``mitame serve FOLDER``: a real server over a folder of pictures, from its first second on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from tests.serving.item_server import picture
from tests.serving.processes import until
from tests.serving.running_server import SECONDS, Server
from tests.serving.slow_site import Site, slow_site

SHOP = "/v1/collections/default"
PNG = {"Content-Type": "image/png"}


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server that keeps the indexer waiting until the test lets it go."""
    with slow_site() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder inside, and a file that is none."""
    made = tmp_path / "shop"
    (made / "mugs").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.png", "mugs/c.png")):
        (made / name).write_bytes(picture(seed))
    (made / "notes.txt").write_text("no picture")
    return made


def quick(data: Path) -> Path:
    """A data directory whose collection has the quickest of all lenses."""
    mitame.open(data, "default", lenses={"color": "color"}).close()
    return data


def serve(data: Path, *targets: Path) -> Server:
    return Server(data, *map(str, targets), "--follow-seconds", "0.2", "--allow-private")


def items(server: Server) -> set[str]:
    """Ids of all items; none where the collection is not made yet."""
    answer = server.ask("POST", f"{SHOP}/items:scroll", {"limit": 100})
    return {each["id"] for each in answer.json().get("items", ())}


def until_there(server: Server, *wanted: str) -> None:
    try:
        until(lambda: items(server) == set(wanted), f"the items are {wanted}")
    except AssertionError as error:
        raise AssertionError(f"{error}, but {items(server)}: {''.join(server.lines)}") from None


def nearest(server: Server, seed: int) -> str:
    """The item that a picture is most like; the picture need not be one of them."""
    answer = server.ask("POST", f"{SHOP}/query?limit=1", picture(seed), PNG)
    assert answer.status == 200, answer.body
    return str(answer.json()["neighbors"][0]["id"])


def check_ended(server: Server, how: signal.Signals) -> None:
    """It ends as it should, says nothing strange, and listens no more."""
    assert server.stop(how) == 0
    assert "Traceback" not in "".join(server.lines), "".join(server.lines)
    with socket.socket() as knocking, pytest.raises(ConnectionError):
        knocking.connect(("127.0.0.1", server.port))


def test_it_answers_while_it_indexes(tmp_path: Path, folder: Path, site: Site) -> None:
    """Ready and asked while a picture is still waited for; what is there so far is found."""
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{site.url}\n")
    with serve(quick(tmp_path / "data"), folder, urls) as server:
        assert site.asked.acquire(timeout=SECONDS), server.lines
        until(lambda: server.ask("GET", "/readyz").status == 200, "it is ready")
        until_there(server, "a.png", "b.png", "mugs/c.png")
        assert [nearest(server, seed) for seed in range(3)] == ["a.png", "b.png", "mugs/c.png"]
        similar = server.ask("GET", f"{SHOP}/items/a.png/similar").json()["neighbors"]
        assert {each["id"] for each in similar} == {"b.png", "mugs/c.png"}
        followed = server.ask("GET", "/v1/jobs").json()["jobs"]
        assert {job["kind"] for job in followed} == {"follow"}
        assert server.ask("GET", "/readyz").status == 200
        site.go.set()
        until(lambda: len(items(server)) == 4, "the picture that was waited for is there")
        check_ended(server, signal.SIGTERM)


def test_what_comes_and_goes_is_followed(tmp_path: Path, folder: Path) -> None:
    """A new file is an item, another picture replaces it, and an item goes with its file."""
    with serve(quick(tmp_path / "data"), folder) as server:
        until_there(server, "a.png", "b.png", "mugs/c.png")
        (folder / "mugs" / "d.png").write_bytes(picture(7))
        until_there(server, "a.png", "b.png", "mugs/c.png", "mugs/d.png")
        assert nearest(server, 7) == "mugs/d.png"
        (folder / "a.png").write_bytes(picture(8, size=(40, 30)))
        until(lambda: nearest(server, 8) == "a.png", "the picture was replaced")
        (folder / "b.png").unlink()
        until_there(server, "a.png", "mugs/c.png", "mugs/d.png")
        assert server.ask("GET", f"{SHOP}/items/b.png").status == 404
        assert nearest(server, 1) != "b.png"
        check_ended(server, signal.SIGINT)


def test_it_begins_from_nothing(tmp_path: Path, folder: Path) -> None:
    """The first thing that anybody does: no data directory, no collection, the usual lenses."""
    with serve(tmp_path / "new" / "data", folder) as server:
        until(lambda: server.ask("GET", "/readyz").status == 200, "it is ready")
        until_there(server, "a.png", "b.png", "mugs/c.png")
        assert list(server.ask("GET", SHOP).json()["lenses"]) == ["look", "color"]
        assert nearest(server, 2) == "mugs/c.png"
        check_ended(server, signal.SIGTERM)


def test_it_goes_on_where_it_was(tmp_path: Path, folder: Path) -> None:
    """After an end and a start: items are there at once, and what changed meanwhile is found."""
    data = quick(tmp_path / "data")
    with serve(data, folder) as server:
        until_there(server, "a.png", "b.png", "mugs/c.png")
        check_ended(server, signal.SIGTERM)
    (folder / "e.png").write_bytes(picture(9))
    (folder / "b.png").unlink()
    with serve(data, folder) as server:
        assert {"a.png", "mugs/c.png"} <= items(server)
        until_there(server, "a.png", "e.png", "mugs/c.png")
        check_ended(server, signal.SIGTERM)


def test_it_ends_in_the_middle_of_indexing(tmp_path: Path, folder: Path, site: Site) -> None:
    """Ctrl-C while a picture is waited for: it ends all the same, and keeps what it had."""
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{site.url}\n")
    data = quick(tmp_path / "data")
    with serve(data, folder, urls) as server:
        assert site.asked.acquire(timeout=SECONDS), server.lines
        until_there(server, "a.png", "b.png", "mugs/c.png")
        server.process.send_signal(signal.SIGINT)
        site.go.set()
        assert server.process.wait(SECONDS) == 0
        assert "Traceback" not in "".join(server.lines), server.lines
    with mitame.open(data, "default") as shop:
        assert {each.id for each in shop.items()} >= {"a.png", "b.png", "mugs/c.png"}
