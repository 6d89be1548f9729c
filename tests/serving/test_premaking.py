"""Thumbnails are made while nothing is asked, by a real runner over real files."""

from __future__ import annotations

import io
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

import mitame
from mitame.collection import Item, ItemImage, Put
from mitame.collection.paths import THUMBNAILS
from mitame.config import LimitsConfig, ServeConfig
from mitame.images.fingerprint import content_hash
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.state import State
from mitame.serving.work.premaking import QUIET_SECONDS, Premaking
from mitame.serving.work.running import Threads
from mitame.thumbnails.making import GRID_SIDES
from mitame.thumbnails.store import ThumbnailStore
from tests.picture_site import picture_site
from tests.serving.item_server import picture
from tests.serving.running_runner import RunnerProcess, until
from tests.serving.running_server import Server

SIZE = (600, 400)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    for number in range(6):
        (made / f"{number}.png").write_bytes(picture(number, size=SIZE))
    return made


@pytest.fixture
def data(tmp_path: Path, folder: Path) -> Path:
    """A data directory with an indexed folder."""
    data = tmp_path / "data"
    with mitame.open(data, "shop", lenses={"color": "color"}) as shop:
        shop.index(folder)
    return data


def names(file: Path) -> list[str]:
    """What the thumbnails of a picture are kept under, in the sizes of the grid."""
    digest = content_hash(file.read_bytes())
    return [f"{digest}-{side}-image/webp" for side in GRID_SIDES]


def missing(data: Path, *files: Path) -> int:
    """How many of their thumbnails are not there."""
    store = ThumbnailStore(data / "shop" / THUMBNAILS)
    found = sum(len(store.missing(names(file))) for file in files)
    store.close()
    return found


def test_a_followed_folder_has_its_thumbnails_soon(tmp_path: Path, folder: Path) -> None:
    """Of each picture in the sizes of the grid; also of one that comes later."""
    files = sorted(folder.iterdir())
    data = tmp_path / "data"
    with mitame.open(data, "shop", lenses={"color": "color"}):
        pass
    settings = {"folders": (str(folder),), "collection": "shop", "follow_seconds": 0.2}
    with RunnerProcess(data, **settings):
        until(lambda: not missing(data, *files), "thumbnails of all")
        late = folder / "late.png"
        late.write_bytes(picture(50, size=SIZE))
        until(lambda: not missing(data, late), "thumbnails of the one that came later")
    store = ThumbnailStore(data / "shop" / THUMBNAILS)
    for side, name in zip(GRID_SIDES, names(late), strict=True):
        kept = store.find(name)
        assert kept is not None
        shown = Image.open(io.BytesIO(kept))
        assert (shown.format, shown.size) == ("WEBP", (side, round(side * 2 / 3)))
    store.close()


def test_what_can_not_be_shown_keeps_no_other_waiting(data: Path, folder: Path) -> None:
    """Gone, changed, broken, removed, a bare vector, or at an address: nothing is fetched."""
    files = sorted(folder.iterdir())
    gone, changed, broken, removed, *good = files
    names_of_removed = names(removed)
    broken_data = picture(77, size=SIZE)[:500]
    with picture_site() as site, mitame.open(data, "shop") as shop:
        far = site.put("/far.png", picture(78))
        vectors = {"color": shop.vectors("0.png")[0]}
        images = {
            "far": ItemImage(vectors, content_hash(site.files["/far.png"]), far),
            "broken": ItemImage(vectors, content_hash(broken_data), str(broken)),
            "bare": ItemImage(vectors),
        }
        shop.store.append([Put(Item(name, images=(each,))) for name, each in images.items()])
        shop.remove(removed.name)
        gone.unlink()
        changed.write_bytes(picture(79, size=SIZE))
        broken.write_bytes(broken_data)
        with RunnerProcess(data):
            until(lambda: not missing(data, *good), "thumbnails of the good ones")
            time.sleep(1)
        assert site.asked == []
    assert missing(data, changed, broken) == 2 * len(GRID_SIDES)
    store = ThumbnailStore(data / "shop" / THUMBNAILS)
    assert store.missing(names_of_removed) == names_of_removed
    store.close()


def test_killed_in_between_it_goes_on(data: Path, folder: Path) -> None:
    """At any moment: what was made is there, and the next runner makes the rest."""
    for number in range(100, 130):
        (folder / f"{number}.png").write_bytes(picture(number, size=SIZE))
    files = sorted(folder.iterdir())
    with mitame.open(data, "shop") as shop:
        shop.index(folder)
    left = missing(data, *files)
    for kill in range(3):
        with RunnerProcess(data) as runner:
            until(partial(_fewer, data, files, left), "some more")
            runner.stop(signal.SIGKILL)
        now = missing(data, *files)
        assert now < left, kill
        left = now
        if not left:  # a quick machine made them all at once
            break
    with RunnerProcess(data):
        until(lambda: not missing(data, *files), "all of them")
    with mitame.open(data, "shop") as shop:
        assert shop.check() == []


def _fewer(data: Path, files: Sequence[Path], than: int) -> bool:
    return missing(data, *files) < than


def test_it_can_be_left_out(data: Path, folder: Path) -> None:
    """By the setting, or where nothing is kept."""
    for settings in ({"thumbnails": False}, {"limits": LimitsConfig(thumbnails_mb=0)}):
        with RunnerProcess(data, **settings):
            time.sleep(4)
        assert not (data / "shop" / THUMBNAILS).exists()


def test_room_is_bounded(data: Path, folder: Path) -> None:
    """It stops where the room ends, and what was asked for stays."""
    store = ThumbnailStore(data / "shop" / THUMBNAILS, 500_000)
    store.keep("asked", b"x" * 100_000)
    with RunnerProcess(data, limits=LimitsConfig(thumbnails_mb=0.5)):
        until(lambda: missing(data, *folder.iterdir()) < 18, "some")
        time.sleep(3)
    assert missing(data, *folder.iterdir()) > 0
    assert store.find("asked") == b"x" * 100_000
    store.close()


def test_it_waits_while_others_ask(data: Path, folder: Path) -> None:
    """A process that counts requests, and then none: only then anything is made."""
    state = State(data)
    worker, runner = Metrics(state.folder), Metrics(state.folder, "runner")
    config = replace(ServeConfig(data), folders=())
    collections = OpenCollections(config, Threads(1, 0))
    stopping, busy = threading.Event(), threading.Event()
    premaking = Premaking(config, collections, runner, is_busy=busy.is_set, stopping=stopping)
    thread = threading.Thread(target=premaking.run)
    asked = worker.counter(
        "mitame_requests_total", route="/v1/collections", method="GET", status="200"
    )
    thread.start()
    for _ in range(50):
        asked.add()
        time.sleep(QUIET_SECONDS / 10)
    assert missing(data, *folder.iterdir()) == 18
    busy.set()
    time.sleep(2 * QUIET_SECONDS)
    assert missing(data, *folder.iterdir()) == 18
    busy.clear()
    watched = worker.counter("mitame_requests_total", route="/healthz", method="GET", status="200")

    def made() -> bool:
        watched.add()  # nobody waits for an answer to this
        return not missing(data, *folder.iterdir())

    until(made, "thumbnails once nobody asks")
    totals = worker.folder.totals()
    assert totals["mitame_thumbnails_made_total"] == [6]
    until(lambda: worker.folder.totals()["mitame_thumbnails_left"] == [0], "no more left")
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    for each in (worker, runner):
        each.close()
    collections.close()
    state.close()


def test_a_server_shows_them_at_once(data: Path, folder: Path) -> None:
    """The page's grid is answered with what was made, though the files have gone meanwhile."""
    with Server(data) as server:
        until(lambda: not missing(data, *folder.iterdir()), "all of them")
        for file in list(folder.iterdir()):
            file.unlink()
        for number in range(6):
            for side in (64, 128, *GRID_SIDES):
                path = f"/v1/collections/shop/items/{number}.png/thumbnail?side={side}"
                answer = server.ask("GET", path, None, {"Accept": "image/webp,*/*"})
                assert answer.status == 200, (number, side)
                assert Image.open(io.BytesIO(answer.body)).size[0] == side
        path = "/v1/collections/shop/items/0.png/thumbnail?side=1024"
        assert server.ask("GET", path).status == 404
