"""The list of bad files: what the last look at each source found, bounded, shared by processes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import mitame
from mitame.collection.paths import BAD_FILES
from mitame.errors import CorruptCollection, NotAnImage
from mitame.images.candidate import Refused
from mitame.images.sources import FolderSource
from mitame.ingest import IndexReport, bad_files
from mitame.ingest.bad_files import BadFiles
from tests.ingest.tiny import paint
from tests.serving.running_server import Server


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two pictures, one that is cut off, and one that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(2):
        paint(folder / f"{n}.png", n)
    cut = paint(folder / "cut.png", 3)
    cut.write_bytes(cut.read_bytes()[:45])
    (folder / "text.png").write_text("no picture")
    return folder


def names(found: list[Any]) -> list[str]:
    return [Path(each.location).name for each in found]


def test_the_list_is_what_the_last_look_found(tmp_path: Path, pictures: Path) -> None:
    """With reasons; mended and removed files leave it, the time since when stays."""
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        assert shop.bad_files() == []
        shop.index(pictures)
        first = shop.bad_files()
        assert names(first) == ["cut.png", "text.png"]
        assert [each.code for each in first] == ["damaged_image", "not_an_image"]
        assert all(each.reason and each.remedy for each in first)
        assert names(shop.bad_files(code="not_an_image")) == ["text.png"]
        assert names(shop.bad_files(first[0].location)) == ["text.png"]
        assert names(shop.bad_files(limit=1)) == ["cut.png"]
        shop.index(pictures)
        assert shop.bad_files() == first
        paint(pictures / "text.png", 4)
        (pictures / "more.png").write_text("no picture either")
        shop.index(pictures)
        found = shop.bad_files()
        assert names(found) == ["cut.png", "more.png"]
        assert found[0] == first[0]
        (pictures / "cut.png").unlink()
        (pictures / "more.png").unlink()
        shop.index(pictures)
        assert shop.bad_files() == []


def test_each_source_has_its_own(tmp_path: Path, pictures: Path) -> None:
    """Looking at one does not clear another's, also where several are looked at together."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "bad.png").write_text("no")
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        shop.index(pictures, other, prefix="x/")
        assert names(shop.bad_files()) == ["bad.png", "cut.png", "text.png"]
        (other / "bad.png").unlink()
        shop.index(other, prefix="x/")
        assert names(shop.bad_files()) == ["cut.png", "text.png"]


def test_sources_may_lie_in_each_other(tmp_path: Path, pictures: Path) -> None:
    """A folder, two lists and a manifest in it: each clears what it offered, and that alone."""
    inner = pictures / "inner"
    inner.mkdir()
    (inner / "bad.png").write_text("no")
    lists = [pictures / "one.txt", pictures / "two.txt"]
    for number, path in enumerate(lists):
        path.write_text(f"http://127.0.0.1:1/{number}.png\n")
    manifest = pictures / "items.csv"
    manifest.write_text("id,image\nm,none.png\n")

    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        (pictures / "cut.png").unlink()
        (pictures / "text.png").unlink()
        shop.index(pictures, *lists, manifest)
        every = ["bad.png", "0.png", "1.png", "none.png"]
        assert sorted(names(shop.bad_files())) == sorted(every)
        (inner / "bad.png").unlink()
        shop.index(pictures)
        assert sorted(names(shop.bad_files())) == ["0.png", "1.png", "none.png"]
        lists[0].write_text("")
        shop.index(lists[0])
        assert sorted(names(shop.bad_files())) == ["1.png", "none.png"]
        manifest.write_text("id,image\n")
        shop.index(manifest)
        assert names(shop.bad_files()) == ["1.png"]
        lists[1].write_text("")
        shop.index(lists[1])
        assert shop.bad_files() == []


def test_the_list_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each source so many are kept, the rest are counted; an interrupted run removes none."""
    monkeypatch.setattr(bad_files, "MAX_FILES", 5)
    source, kept = FolderSource(tmp_path), BadFiles(tmp_path)

    def report(first: int, last: int, **fields: Any) -> IndexReport:
        places = (f"{tmp_path}/{n:02}" for n in range(first, last))
        refused = [Refused(p, NotAnImage("no picture"), source.root) for p in places]
        return IndexReport(refused=refused, **fields)

    kept.keep([source], report(0, 9))
    files, total = kept.files()
    assert ([each.location[-2:] for each in files], total) == (["00", "01", "02", "03", "04"], 9)
    kept.keep([source], report(7, 9, interrupted=True))
    files, total = kept.files()
    assert [each.location[-2:] for each in files] == ["00", "01", "02", "03", "04"]
    kept.keep([source], report(7, 9))
    files, total = kept.files()
    assert ([each.location[-2:] for each in files], total) == (["07", "08"], 2)
    assert kept.files(code="none") == ([], 0)
    kept.close()


def test_nothing_is_written_twice(tmp_path: Path, pictures: Path) -> None:
    """A folder that is looked at again and again costs no write while nothing changes."""
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        shop.index(pictures / "0.png")
        assert not (shop.path / BAD_FILES).exists()  # there was nothing to tell
        shop.index(pictures)
        with sqlite3.connect(shop.path / BAD_FILES) as watching:
            before = watching.execute("PRAGMA data_version").fetchone()
            shop.index(pictures)
            assert watching.execute("PRAGMA data_version").fetchone() == before
        watching.close()


def test_damage_does_not_keep_pictures_out(tmp_path: Path, pictures: Path) -> None:
    """Where the list can't be written, the pictures are indexed all the same."""
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        (shop.path / BAD_FILES).write_bytes(b"no database at all" * 100)
        assert shop.index(pictures).added == 2
        with pytest.raises(CorruptCollection):
            shop.bad_files()


def test_over_http(tmp_path: Path, pictures: Path) -> None:
    """In pages; names that are markup stay text; wrong queries are refused."""
    (pictures / "<script>alert(1)<b>.png").write_text("no picture")
    with mitame.open(tmp_path / "data", "shop", lenses={"color": "color"}) as shop:
        shop.index(pictures)
    with Server(tmp_path / "data") as server, mitame.Client(server.url) as client:
        served = client.collection("shop")
        page = served.bad_files(limit=2)
        assert names(page.files) == ["<script>alert(1)<b>.png", "cut.png"]
        assert page.total == 3
        rest = served.bad_files(after=page.after, limit=2)
        assert (names(rest.files), rest.after) == (["text.png"], None)
        assert served.bad_files(code="damaged_image").total == 1
        path = "/v1/collections/shop/bad-files"
        for wrong in ("?limit=0", "?limit=1001", "?page=2", f"?after={'x' * 4_001}"):
            assert server.ask("GET", path + wrong).json()["code"] == "invalid_body"
        assert server.ask("GET", "/v1/collections/none/bad-files").status == 404
