"""A source that breaks off, one that is far too much, and one that fills the memory."""

from __future__ import annotations

import gc
import io
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mitame.collection import Store
from mitame.images.candidate import Candidate, Refused
from mitame.images.sources import open_source
from mitame.ingest import index, pipeline
from mitame.ingest.bounded import bounded_map
from tests.ingest.tiny import TinyEmbedder, paint


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", ["y.zip", "y.csv", "y.txt"])
def test_a_damaged_source_is_one_refusal(
    store: Store, folder: Path, tiny: TinyEmbedder, tmp_path: Path, name: str
) -> None:
    """The good target beside it, before or after, is indexed whole, and no thread dies."""
    bad = tmp_path / name
    bad.write_bytes(b"image\n" + b"a" * 2_000_000 if name != "y.zip" else b"PK\x03\x04 no zip")
    sources = [open_source(str(bad)), open_source(str(folder)), open_source(str(bad))]
    report = index(store, {"look": tiny}, sources, threads=2)
    for thread in threading.enumerate():
        if thread.name == "mitame-count":
            thread.join(10)
    assert report.added == 12
    wanted = [str(bad), str(bad)]
    assert [each.location for each in report.refused if each.location == str(bad)] == wanted


def test_same_name_in_two_targets_is_refused_not_joined(
    store: Store, tiny: TinyEmbedder, tmp_path: Path
) -> None:
    """Two pictures that follow each other under one id are one item only if somebody said so."""
    targets = [paint(tmp_path / name / "x.png", n) for n, name in enumerate("ab")]
    report = index(store, {"look": tiny}, [open_source(str(each)) for each in targets], threads=2)
    assert (report.added, report.embedded) == (1, 1)
    assert [each.error.code for each in report.refused] == ["item_exists"]


def test_an_item_of_too_many_images_is_refused_unread(
    store: Store, tiny: TinyEmbedder, tmp_path: Path
) -> None:
    """Its rows are counted, none of its pictures is read, and the next item is indexed."""
    paint(tmp_path / "1.png", 1)
    manifest = tmp_path / "m.csv"
    manifest.write_text("id,image\n" + "much,1.png\n" * 1_200 + "next,1.png\n")
    report = index(store, {"look": tiny}, [open_source(str(manifest))], threads=2)
    assert (report.added, tiny.batches) == (1, [1])
    (refusal,) = report.refused
    assert "1,200 images" in refusal.error.message
    assert refusal.location.startswith(f"{manifest} line 2")


def test_a_bug_in_a_source_loses_nothing_that_was_done(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """Pictures before it are written, though their batch was not full."""
    pictures = list(open_source(str(folder)))

    class Broken:
        root, countable = "memory:", False

        def __iter__(self) -> Iterator[Candidate | Refused]:
            yield from pictures
            give_up = time.monotonic() + 5
            while len(tiny.batches) < 11 and time.monotonic() < give_up:
                time.sleep(0.01)
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        index(store, {"look": tiny}, [Broken()], threads=1)
    with store.pin() as view:
        assert len(list(view.items())) > 0


def test_what_is_no_picture_is_counted(store: Store, tiny: TinyEmbedder, tmp_path: Path) -> None:
    """A folder without pictures does not look like one in which nothing changed."""
    texts, empty = tmp_path / "texts", tmp_path / "empty"
    texts.mkdir()
    empty.mkdir()
    (texts / "notes.txt").write_text("x")
    (texts / "more.txt").write_text("x")
    sources = [open_source(str(texts)), open_source(str(empty))]
    report = index(store, {"look": tiny}, sources, threads=2)
    assert report.passed_over == 2
    assert report.to_json()["passed_over"] == 2


class Held:
    """Bytes that say when they are let go."""

    alive = 0
    most = 0
    lock = threading.Lock()

    def __init__(self, data: bytes) -> None:
        self._data = data
        with Held.lock:
            Held.alive += 1
            Held.most = max(Held.most, Held.alive)

    def read(self) -> bytes:
        return self._data

    def __del__(self) -> None:
        with Held.lock:
            Held.alive -= 1


def test_pictures_that_are_held_are_few(
    store: Store, folder: Path, tiny: TinyEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compressed tar's candidates hold their bytes: a budget bounds them, and all are let go."""
    monkeypatch.setattr(pipeline, "bounded_map", partial(bounded_map, budget=4_000))
    Held.alive = Held.most = 0
    data = (folder / "a" / "00.png").read_bytes()

    class Tar:
        root, countable = "memory!", False

        def __iter__(self) -> Iterator[Candidate | Refused]:
            for number in range(200):
                yield Candidate(f"{number}", f"memory!{number}", Held(data).read, size=1_000)

    assert index(store, {"look": tiny}, [Tar()], threads=2).added == 200
    gc.collect()
    assert Held.alive == 0
    assert Held.most <= 4 + 5  # under way, and on their way to there


def test_a_compressed_tar_is_indexed(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """Through the same bounds, every member arrives."""
    path = folder.parent / "all.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for number, picture in enumerate(sorted(folder.rglob("*.png"))):
            info = tarfile.TarInfo(f"{number}.png")
            info.size = picture.stat().st_size
            tar.addfile(info, io.BytesIO(picture.read_bytes()))
    assert index(store, {"look": tiny}, [open_source(str(path))], threads=2).added == 12
