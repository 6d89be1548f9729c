"""What a run must not take away: unmounted folders, named items, images that fail for once."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mitame.collection import Store
from mitame.collection.item import Item
from mitame.images.sources import open_source
from mitame.ingest import IndexReport, index
from tests.ingest.tiny import TinyEmbedder, paint


@pytest.fixture
def run(store: Store, tiny: TinyEmbedder) -> Any:
    def run(*targets: Path, **settings: Any) -> IndexReport:
        sources = [open_source(str(target)) for target in targets]
        return index(store, {"look": tiny}, sources, threads=2, **settings)

    return run


def ids(store: Store) -> list[str]:
    with store.pin() as view:
        return [item.id for item in view.items()]


def get(store: Store, item_id: str) -> Item:
    with store.pin() as view:
        item = view.get(item_id)
    assert item is not None
    return item


def test_an_empty_folder_beside_a_full_one_removes_nothing(
    store: Store, tmp_path: Path, run: Any
) -> None:
    """Each source answers for itself: one that offers nothing may not be mounted."""
    a, b = paint(tmp_path / "a" / "1.png", 1), paint(tmp_path / "b" / "2.png", 2)
    paint(tmp_path / "b" / "3.png", 3)
    run(a.parent, b.parent)
    a.unlink()
    b.unlink()
    report = run(a.parent, b.parent, prune=True)
    assert (report.removed, report.vanished) == (1, 1)
    assert ids(store) == ["1.png", "3.png"]


def test_nothing_below_a_folder_that_cannot_be_listed_is_removed(
    store: Store, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not bind root, so the system's answer is played."""
    folder = tmp_path / "pictures"
    paint(folder / "open" / "1.png", 1)
    paint(folder / "shut!" / "2.png", 2)
    run(folder)
    (folder / "shut!" / "2.png").unlink()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("shut!/"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = run(folder, prune=True)
    assert (report.removed, report.vanished, len(report.refused)) == (0, 0, 1)
    monkeypatch.setattr(os, "scandir", scandir)
    assert run(folder, prune=True).removed == 1


def test_a_file_that_nobody_may_look_at_stops_no_run(
    store: Store, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder without permission must not block the index of all others."""
    secret, other = paint(tmp_path / "secret" / "1.png", 1), paint(tmp_path / "o" / "2.png", 2)
    run(secret.parent)
    stat, lstat = Path.stat, Path.lstat

    def allowed(path: Path) -> Path:
        if "secret" in str(path):
            raise PermissionError(13, "Permission denied")
        return path

    monkeypatch.setattr(Path, "stat", lambda path, **how: stat(allowed(path), **how))
    monkeypatch.setattr(Path, "lstat", lambda path: lstat(allowed(path)))
    report = run(other.parent, prune=True)
    assert (report.added, report.removed, report.refused) == (1, 0, [])
    assert ids(store) == ["1.png", "2.png"]


def test_pruning_a_folder_spares_the_archive_in_it(store: Store, tmp_path: Path, run: Any) -> None:
    """Members are another source's; they go with their archive, or when it offers them no more."""
    folder = paint(tmp_path / "p" / "1.png", 1).parent
    pictures = [paint(tmp_path / "loose" / name, n) for n, name in enumerate(("x.png", "y.png"))]
    archive = folder / "scans.zip"

    def pack(*paths: Path) -> None:
        with zipfile.ZipFile(archive, "w") as zipped:
            for path in paths:
                zipped.write(path, path.name)

    pack(*pictures)
    run(folder)
    run(archive)
    assert run(folder, prune=True).removed == 0
    pack(pictures[0])
    assert run(archive, prune=True).removed == 1
    assert ids(store) == ["1.png", "x.png"]
    archive.write_bytes(archive.read_bytes()[:-10])
    report = run(archive, prune=True)
    assert (report.removed, len(report.refused)) == (0, 1)
    archive.unlink()
    assert run(folder, prune=True).removed == 1


def test_a_chosen_id_never_moves(store: Store, tmp_path: Path, run: Any) -> None:
    """An item that a manifest named stays when its picture is found elsewhere under a new name."""
    desk = paint(tmp_path / "desk.png", 1)
    paint(tmp_path / "side.png", 2)
    (tmp_path / "m.csv").write_text("id,image\nsku-1,desk.png\nsku-2,desk.png\nsku-2,side.png\n")
    run(tmp_path / "m.csv")
    (tmp_path / "own").mkdir()
    shutil.move(desk, tmp_path / "own" / "chair.png")
    (tmp_path / "side.png").unlink()
    report = run(tmp_path)
    assert (report.moved, report.added) == (0, 1)
    assert ids(store) == ["own/chair.png", "sku-1", "sku-2"]


def test_a_move_is_found_with_its_prefix_only(store: Store, tmp_path: Path, run: Any) -> None:
    """The old id must be what this source gave; each vanished item is claimed once."""
    folder = paint(tmp_path / "p" / "1.png", 1).parent
    run(folder, prefix="x/")
    (folder / "1.png").rename(folder / "2.png")
    shutil.copy(folder / "2.png", folder / "3.png")
    report = run(folder, prefix="x/")
    assert (report.moved, report.added) == (1, 1)
    assert ids(store) == ["x/2.png", "x/3.png"]
    (folder / "2.png").rename(folder / "4.png")
    assert run(folder, prefix="y/").moved == 0


@pytest.mark.parametrize("failure", ["damaged", "missing"])
def test_a_passing_failure_keeps_the_image(
    store: Store, tmp_path: Path, tiny: TinyEmbedder, run: Any, failure: str
) -> None:
    """An item of three images, one bad for now: it stays, beside one that is new."""
    front, side, back = (paint(tmp_path / f"{n}.png", n) for n in range(3))
    manifest = tmp_path / "m.csv"
    manifest.write_text("id,image\nsku,0.png\nsku,1.png\nsku,2.png\n")
    run(manifest)
    with store.pin() as view:
        before = view.vectors("sku", "look").copy()
    good = side.read_bytes()
    side.unlink() if failure == "missing" else side.write_bytes(good[:40])
    embedded = sum(tiny.batches)
    report = run(manifest)
    assert [each.location for each in report.refused] == [f"{manifest} line 3: {side}"]
    assert (report.replaced, sum(tiny.batches)) == (0, embedded)
    assert len(get(store, "sku").images) == 3
    paint(back, 50)
    assert run(manifest).replaced == 1
    assert [each.source for each in get(store, "sku").images] == [str(front), str(side), str(back)]
    with store.pin() as view:
        after = view.vectors("sku", "look")
    assert (after[:2] == before[:2]).all()
    assert (after[2] != before[2]).any()
    side.write_bytes(good)
    assert run(manifest).refused == []


def test_an_emptied_cell_empties(store: Store, tmp_path: Path, run: Any) -> None:
    """A row that names its item is the truth of its category and attributes."""
    paint(tmp_path / "1.png", 1)
    manifest = tmp_path / "m.csv"
    manifest.write_text("id,image,category,price\nsku,1.png,mug,3\n")
    run(manifest)
    assert get(store, "sku").attributes == {"price": 3}
    manifest.write_text("id,image,category,price\nsku,1.png,,\n")
    assert run(manifest).updated == 1
    assert (get(store, "sku").category, get(store, "sku").attributes) == (None, {})
    assert run(manifest).unchanged == 1
