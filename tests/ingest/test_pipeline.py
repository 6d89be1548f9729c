"""The pipeline: what it skips, recognises, refuses, removes and keeps."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mitame.collection import Patch, Put, Store
from mitame.collection.item import Item, ItemImage
from mitame.errors import MitameError, StorageError
from mitame.images.candidate import Candidate, Refused
from mitame.images.sources import open_source
from mitame.ingest import IndexReport, Progress, index
from tests.ingest.tiny import TinyEmbedder, paint


def go(store: Store, target: Path, tiny: TinyEmbedder, **settings: Any) -> IndexReport:
    source = open_source(str(target), category_from_folder=True)
    return index(store, {"look": tiny}, [source], threads=2, **settings)


def ids(store: Store) -> list[str]:
    with store.pin() as view:
        return [item.id for item in view.items()]


def test_first_run_adds_all_and_the_second_reads_none(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """Unchanged files are skipped by size and time, without being embedded again."""
    assert go(store, folder, tiny).added == 12
    assert sum(tiny.batches) == 12
    again = go(store, folder, tiny)
    assert (again.added, again.unchanged) == (0, 12)
    assert sum(tiny.batches) == 12
    assert len(ids(store)) == 12


def test_touched_file_is_read_but_not_embedded(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """A new time with the same content costs a read, and is remembered."""
    go(store, folder, tiny)
    os.utime(folder / "a" / "00.png", ns=(1, 1))
    assert go(store, folder, tiny).touched == 1
    assert sum(tiny.batches) == 12
    assert go(store, folder, tiny).unchanged == 12


def test_changed_file_replaces_its_item(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """New content under an old name is embedded again, and what the user set stays."""
    go(store, folder, tiny)
    store.append([Patch("a/00.png", attributes={"price": 3})])
    paint(folder / "a" / "00.png", 100)
    assert go(store, folder, tiny).replaced == 1
    with store.pin() as view:
        item = view.get("a/00.png")
        assert item is not None
        assert item.attributes == {"price": 3}
        assert view.vectors("a/00.png", "look").shape == (1, 6)
    assert len(ids(store)) == 12


def test_moved_file_keeps_its_vector(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """A file found under another name is the same item under a new id, not embedded again."""
    go(store, folder, tiny)
    store.append([Patch("a/00.png", attributes={"price": 3})])
    with store.pin() as view:
        before = view.vectors("a/00.png", "look").copy()
    (folder / "c").mkdir()
    (folder / "a" / "00.png").rename(folder / "c" / "new.png")
    report = go(store, folder, tiny)
    assert (report.moved, report.added, report.vanished) == (1, 0, 0)
    assert sum(tiny.batches) == 12
    with store.pin() as view:
        item = view.get("c/new.png")
        assert item is not None
        assert (item.category, item.attributes) == ("c", {"price": 3})
        assert (view.vectors("c/new.png", "look") == before).all()
    assert "a/00.png" not in ids(store)


def test_copy_is_an_item_of_its_own(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """The same content at a second place, the first still there, is no move."""
    go(store, folder, tiny)
    shutil.copy(folder / "a" / "00.png", folder / "a" / "copy.png")
    report = go(store, folder, tiny)
    assert (report.moved, report.added) == (0, 1)
    assert len(ids(store)) == 13


def test_vanished_items_are_kept_until_pruned(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """A deleted file is only counted without --prune, and removed with it."""
    go(store, folder, tiny)
    (folder / "a" / "00.png").unlink()
    assert go(store, folder, tiny).vanished == 1
    assert len(ids(store)) == 12
    assert go(store, folder, tiny, prune=True).removed == 1
    assert len(ids(store)) == 11
    assert "a/00.png" not in ids(store)


def test_pruning_an_empty_source_removes_nothing(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """A folder that offers nothing looks like a disk that is not mounted."""
    go(store, folder, tiny)
    shutil.rmtree(folder)
    folder.mkdir()
    report = go(store, folder, tiny, prune=True)
    assert (report.removed, report.vanished) == (0, 12)
    assert len(ids(store)) == 12


def test_pruning_leaves_other_folders_alone(
    store: Store, folder: Path, tiny: TinyEmbedder, tmp_path: Path
) -> None:
    """Only items that came from the pruned folder can vanish from it."""
    go(store, folder, tiny)
    other = paint(tmp_path / "pictures2" / "z.png", 50).parent
    go(store, other, tiny)
    (folder / "a" / "00.png").unlink()
    report = go(store, other, tiny, prune=True)
    assert (report.removed, report.vanished) == (0, 0)
    assert len(ids(store)) == 13


def test_id_of_another_folder_is_refused_not_replaced(
    store: Store, folder: Path, tiny: TinyEmbedder, tmp_path: Path
) -> None:
    """Two folders with the same relative names never overwrite each other."""
    go(store, folder, tiny)
    other = tmp_path / "other"
    paint(other / "a" / "00.png", 77)
    report = go(store, other, tiny)
    assert report.added == report.replaced == 0
    assert [each.error.code for each in report.refused] == ["item_exists"]
    assert "--prefix" in report.refused[0].error.line()


def test_category_follows_the_folder_without_embedding(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """Indexing again with categories sets them on what is there."""
    source = open_source(str(folder))
    index(store, {"look": tiny}, [source], threads=2)
    assert go(store, folder, tiny).updated == 12
    assert sum(tiny.batches) == 12
    with store.pin() as view:
        assert view.categories() == {"a": 6, "b": 6}


def test_bad_files_are_listed_and_the_good_ones_kept(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """One bad file never takes another with it; each says why."""
    (folder / "a" / "empty.png").write_bytes(b"")
    (folder / "a" / "page.jpg").write_text("<html>")
    report = go(store, folder, tiny)
    assert report.added == 12
    reasons = {Path(each.location).name: each.error.code for each in report.refused}
    assert reasons == {"empty.png": "empty_image", "page.jpg": "not_an_image"}


def test_bug_in_one_picture_is_listed_like_a_bad_file(
    store: Store, folder: Path, tiny: TinyEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception nobody expected costs one picture, not the run."""
    real = TinyEmbedder.prepare
    calls = iter(range(100))

    def broken(self: TinyEmbedder, pixels: Any) -> Any:
        if next(calls) == 5:
            raise IndexError("off by one")
        return real(self, pixels)

    monkeypatch.setattr(TinyEmbedder, "prepare", broken)
    report = go(store, folder, tiny)
    assert report.added == 11
    assert "IndexError" in report.refused[0].error.message


def test_rows_of_one_id_are_one_item(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """A manifest's consecutive rows with one id make an item with several images."""
    manifest = folder / "shop.csv"
    rows = ["id,image,category", "sku,a/00.png,mug", "sku,b/01.png,mug", "two,a/02.png,hat"]
    manifest.write_text("\n".join(rows))
    report = go(store, manifest, tiny)
    assert report.added == 2
    assert report.embedded == 3
    with store.pin() as view:
        item = view.get("sku")
        assert item is not None
        assert len(item.images) == 2
    assert go(store, manifest, tiny).unchanged == 2
    manifest.write_text("\n".join([*rows, "sku,a/04.png,mug"]))
    split = go(store, manifest, tiny)
    assert [each.error.code for each in split.refused] == ["item_exists"]


def test_named_id_replaces_an_item_from_elsewhere(
    store: Store, folder: Path, tiny: TinyEmbedder
) -> None:
    """A manifest names its ids, so its row may take over an item that was added by hand."""
    vector = tiny.embed([tiny.prepare(paint_pixels())])[0]
    store.append([Put(Item("sku", images=(ItemImage(vectors={"look": vector}),)))])
    (folder / "shop.csv").write_text("id,image\nsku,a/00.png\n")
    report = go(store, folder / "shop.csv", tiny)
    assert (report.replaced, report.refused) == (1, [])


def paint_pixels() -> Any:
    import numpy as np

    return np.full((4, 4, 3), 9, np.uint8)


class SlowSource:
    """Counts how many pictures are read and not yet written."""

    root = "memory:"
    countable = False

    def __init__(self, count: int, data: bytes, store: Store) -> None:
        self._count, self._data, self._store = count, data, store
        self._lock = threading.Lock()
        self.read = 0
        self.most_ahead = 0

    def _bytes(self) -> bytes:
        with self._lock:
            self.read += 1
        return self._data

    def __iter__(self) -> Iterator[Candidate | Refused]:
        for number in range(self._count):
            self.most_ahead = max(self.most_ahead, number - self.read)
            yield Candidate(f"id-{number}", f"memory:{number}", self._bytes)


def test_source_is_not_run_ahead_of(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """Pictures wait at their source, not in memory: at most a block and a window are ahead."""
    data = (folder / "a" / "00.png").read_bytes()
    source = SlowSource(2_000, data, store)
    report = index(store, {"look": tiny}, [source], threads=2)
    assert report.added == 2_000
    assert source.most_ahead <= 256 + 8 * 2


def test_batches_go_to_an_embedder_that_wants_them(store: Store, folder: Path) -> None:
    """A chunk of pictures reaches the embedder in one call, and no call is larger."""
    tiny = TinyEmbedder(batch_size=5)
    go(store, folder, tiny)
    assert sorted(tiny.batches) == [2, 5, 5]


def test_progress_ends_at_the_total(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """The callback sees every image and learns how many there are."""
    seen: list[tuple[int, int | None]] = []

    def note(progress: Progress) -> None:
        time.sleep(0.002)
        seen.append((progress.done, progress.total))

    go(store, folder, tiny, on_progress=note)
    assert seen[-1] == (12, 12)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_interrupt_keeps_what_was_done(store: Store, folder: Path, tiny: TinyEmbedder) -> None:
    """Ctrl-C in the middle: a report comes back, and the next run goes on from there."""

    def stop(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    report = go(store, folder, tiny, on_progress=stop)
    assert report.interrupted
    assert len(ids(store)) == report.added == 5
    again = go(store, folder, tiny)
    assert again.added + report.added == 12


def test_full_disk_ends_the_run_with_its_error(
    store: Store, folder: Path, tiny: TinyEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be written is an error, not a bad picture."""

    def full(changes: object) -> int:
        raise StorageError("no space left")

    monkeypatch.setattr(store, "append", full)
    with pytest.raises(StorageError):
        go(store, folder, tiny)


def test_item_that_the_collection_refuses_does_not_take_its_batch(
    store: Store, folder: Path, tiny: TinyEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that fails as a whole is written item by item."""
    real = store.append

    def picky(changes: Any) -> int:
        if any(getattr(each, "item", None) and each.item.id == "a/00.png" for each in changes):
            raise MitameError("not this one")
        return real(changes)

    monkeypatch.setattr(store, "append", picky)
    report = go(store, folder, tiny)
    assert report.added == 11
    assert [each.error.message for each in report.refused] == ["not this one"]
