"""Pictures at addresses elsewhere are shown by the server itself, within bounds."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

import mitame
from mitame.collection import Item, ItemImage, Put
from mitame.images.fingerprint import content_hash
from mitame.serving.callers.key_store import opened
from mitame.serving.callers.roles import Role
from tests.picture_site import PictureSite, picture_site
from tests.serving.item_server import PICTURES, item_server, picture
from tests.serving.running_server import Answered, Server

ITEMS = f"{PICTURES}/items"


@pytest.fixture
def site() -> Iterator[PictureSite]:
    with picture_site() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that may ask this machine for pictures."""
    data = tmp_path_factory.mktemp("far")
    with item_server(data, Server(data, "--allow-private")) as running:
        yield running


def thumbnail(server: Server, item: str, side: int = 256) -> Answered:
    return server.ask("GET", f"{ITEMS}/{item}/thumbnail?side={side}")


def indexed_before(server: Server, item: str, address: str, file: bytes) -> None:
    """An item whose picture lies at an address, and of which no copy was kept."""
    with mitame.open(server.data, "pictures", copies_mb=0) as shop:
        vectors = {"color": shop._vector_of(file, shop.lenses["color"])}
        image = ItemImage(vectors, content_hash=content_hash(file), source=address)
        shop.store.append([Put(Item(item, images=(image,)))])


def test_what_was_put_by_its_address_is_shown(server: Server, site: PictureSite) -> None:
    """Alone, in a batch, in a job, by the command's way: also once the site is gone."""
    files = {name: picture(seed, size=(300, 200)) for seed, name in enumerate("abcd")}
    address = {name: site.put(f"/{name}.png", file) for name, file in files.items()}
    assert server.ask("PUT", f"{ITEMS}/a", {"image_url": address["a"]}).status == 200
    rows = [{"id": "b", "image_url": address["b"]}]
    assert server.ask("POST", f"{ITEMS}:batch", rows).json()["failed"] == 0
    path = server.data / "items.csv"
    path.write_text(f"id,image\nc,{address['c']}\n")
    begun = server.ask("POST", f"{PICTURES}/index", {"targets": [str(path)]})
    assert begun.status == 202, begun.body
    ended = _ended(server, begun.json()["job"])
    assert ended["state"] == "done", ended
    with mitame.open(server.data, "pictures", allow_private=True) as shop:
        shop.add("d", image=address["d"])
    site.files.clear()
    for name in files:
        answer = thumbnail(server, name)
        assert answer.status == 200, (name, answer.body)
        assert Image.open(io.BytesIO(answer.body)).size == (256, 171)
    assert len(site.asked) == 4


def _ended(server: Server, job: str) -> dict[str, object]:
    until = time.monotonic() + 30
    while True:
        found: dict[str, object] = server.ask("GET", f"/v1/jobs/{job}").json()
        if found["state"] not in ("queued", "running") or time.monotonic() > until:
            return found
        time.sleep(0.1)


def test_items_of_before_are_fetched_once_when_they_are_shown(
    server: Server, site: PictureSite
) -> None:
    """However many ask for it at once, in whichever sizes."""
    file = picture(11, size=(400, 400))
    indexed_before(server, "before", site.put("/before.png", file), file)
    with ThreadPoolExecutor(8) as pool:
        sides = [64, 128, 256, 512] * 4
        answers = list(pool.map(lambda side: thumbnail(server, "before", side), sides))
    assert [each.status for each in answers] == [200] * 16
    for side, answer in zip(sides, answers, strict=True):
        assert max(Image.open(io.BytesIO(answer.body)).size) == min(side, 400)
    assert site.asked == ["/before.png"]


def test_another_picture_at_the_address_is_not_shown(server: Server, site: PictureSite) -> None:
    """What is not the very file that was indexed is neither kept nor shown."""
    file = picture(12)
    indexed_before(server, "changed", site.put("/changed.png", picture(13)), file)
    indexed_before(server, "page", site.put("/page.html", b"<html>"), b"".join([file]))
    for item in ("changed", "page"):
        answer = thumbnail(server, item)
        assert answer.status == 307
        assert answer.headers["location"].startswith("http://127.0.0.1")
    assert sorted(site.asked) == ["/changed.png", "/page.html"]


def test_an_address_that_gives_nothing_is_not_asked_again_soon(
    server: Server, site: PictureSite
) -> None:
    """Readers who reload don't make the server ask again and again."""
    indexed_before(server, "lost", site.url("/lost.png"), picture(14))
    for _ in range(3):
        assert thumbnail(server, "lost").status == 307
    assert site.asked == ["/lost.png"]


def test_a_slow_site_holds_up_nobody_else(server: Server, site: PictureSite) -> None:
    """A site that takes the connection and says nothing; other pictures and questions go on."""
    file = picture(15)
    assert (
        server.ask("PUT", f"{ITEMS}/quick", {"image_url": site.put("/q.png", file)}).status == 200
    )
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(8) as pool:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/never.png"
        for number in range(4):
            indexed_before(server, f"slow{number}", address, picture(100 + number))
        slow = [pool.submit(thumbnail, server, f"slow{number}") for number in range(4)]
        time.sleep(0.5)
        started = time.monotonic()
        assert thumbnail(server, "quick").status == 200
        assert server.ask("GET", f"{ITEMS}/quick/similar").status == 200
        assert time.monotonic() - started < 5
        assert [each.result().status for each in slow] == [307] * 4


def test_private_addresses_are_refused_by_default(tmp_path: Path, site: PictureSite) -> None:
    """Nothing is asked for a reader there, whatever an item's address says."""
    file = picture(16)
    with item_server(tmp_path) as running:
        indexed_before(running, "inside", site.put("/inside.png", file), file)
        assert thumbnail(running, "inside").status == 307
    assert site.asked == []


def test_nothing_is_fetched_where_nothing_is_kept(tmp_path: Path, site: PictureSite) -> None:
    """Who keeps no copies fetches nothing for readers either."""
    file = picture(17)
    env = {"MITAME_SERVE_LIMITS_COPIES_MB": "0"}
    with item_server(tmp_path, Server(tmp_path, "--allow-private", env=env)) as running:
        indexed_before(running, "far", site.put("/far.png", file), file)
        assert thumbnail(running, "far").status == 307
    assert site.asked == []


def test_a_reader_can_not_name_what_is_fetched(tmp_path: Path, site: PictureSite) -> None:
    """A read key shows what is there; it can't put an address, nor pass one along."""
    mitame.open(tmp_path, "pictures", lenses={"color": "color"}).close()
    with opened(tmp_path) as store:
        reader = {"Authorization": f"Bearer {store.add('reader', Role.READ)}"}
    address = site.put("/a.png", picture(18))
    with Server(tmp_path, "--allow-private") as running:
        put = running.ask("PUT", f"{ITEMS}/x", {"image_url": address}, reader)
        assert put.status == 403
        odd = running.ask("GET", f"{ITEMS}/x/thumbnail?url={address}", None, reader)
        assert odd.status == 422
        assert running.ask("GET", f"{ITEMS}/x/thumbnail", None, reader).status == 404
    assert site.asked == []
