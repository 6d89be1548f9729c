"""Backups: of one moment while others write; restored only when they are whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mitame.collection import Remove, Store, map_step, open_store, restore
from mitame.collection.backup import back_up
from mitame.errors import CollectionExists, CollectionNotFound, CorruptCollection, MitameError
from mitame.maps import item_map
from mitame.storage import LocalDirectory
from tests.collection.made import image, put
from tests.collection.moments import answers, moment, of_view
from tests.collection.workloads import MERGE, both


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 10])
def test_backup_and_restore(store: Store, tmp_path: Path, small_files: None, steps: int) -> None:
    """What comes back is what there was, goes on by itself, and the backup is not touched."""
    for step in MERGE[:steps]:
        step(store)
    shown, asked = moment(store), answers(store)
    told: list[tuple[int, int]] = []
    store.backup(tmp_path / "kept" / "monday", lambda *done: told.append(done))
    assert not told or told[-1][0] == told[-1][1]
    store.append([put("later", both(70))])
    for name in ("one", "two"):
        restore(tmp_path / "kept" / "monday", tmp_path / "back" / name)
        with open_store(tmp_path / "back" / name) as back:
            assert (moment(back), answers(back)) == (shown, asked)
            assert back.check() == []
            back.append([put("more", both(71))])
            assert back.merge() is not None
            assert back.check() == []
    assert sorted(p.name for p in (tmp_path / "back").iterdir()) == ["one", "two"]


def test_a_backup_is_of_the_view_s_moment(store: Store, tmp_path: Path) -> None:
    """Writes, merges and removals after the view, and during the copy, are not in it."""
    store.append([put(f"i{n}", image(n)) for n in range(10)])
    store.merge()
    store.append([Remove("i3")])
    with store.pin() as view:
        shown = of_view(view)
        store.append([put("late"), Remove("i4")])
        store.merge(keep=1)

        def write(done: int, _total: int) -> None:
            store.append([put(f"during-{done}")])

        target = LocalDirectory(tmp_path)
        back_up(view, LocalDirectory(store.path), target, "backup", on_progress=write)
        assert of_view(view) == shown
    with open_store(tmp_path / "backup") as copy:
        assert moment(copy) == shown
        assert copy.check() == []


def test_backups_while_a_thread_writes(store: Store, tmp_path: Path) -> None:
    """Each is some moment of the history: all batches up to one, whole."""
    store.append([put("x-0"), put("y-0")])
    done = threading.Event()

    def write() -> None:
        for n in range(1, 10_000):
            if done.is_set():
                return
            store.append([put(f"x-{n}", image(n)), put(f"y-{n}", image(n))])
            if n % 7 == 0:
                store.merge()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(8):
            store.backup(tmp_path / f"backup-{n}")
    finally:
        done.set()
        writer.join()
    last = 0
    for n in range(8):
        with open_store(tmp_path / f"backup-{n}") as copy, copy.pin() as view:
            ids = {item.id for item in view.items()}
            batches = len(ids) // 2
            assert ids == {f"{half}-{i}" for half in "xy" for i in range(batches)}
            assert view.position == 2 * batches >= last
            last = view.position
            assert copy.check() == []


def test_a_place_that_is_taken(store: Store, tmp_path: Path) -> None:
    """Neither a backup nor a restore goes over something; nothing is left beside it."""
    store.backup(tmp_path / "there")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CollectionExists):
        store.backup(tmp_path / "there")
    with pytest.raises(CollectionExists):
        restore(tmp_path / "there", store.path)
    assert sorted(tmp_path.iterdir()) == before


def test_restoring_what_is_no_backup(tmp_path: Path) -> None:
    """Nothing, or an empty folder."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "nothing"):
        with pytest.raises(CollectionNotFound, match=name):
            restore(tmp_path / name, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_damaged_backup_is_not_restored(store: Store, tmp_path: Path) -> None:
    """A flipped byte or a lost file, anywhere: refused with what is wrong, nothing is made."""
    store.append([put(f"i{n}", image(n), category="x") for n in range(9)])
    store.merge()
    store.append([put("z", image(20))])
    store.backup(tmp_path / "kept")
    files = [p for p in (tmp_path / "kept").rglob("*") if p.is_file() and p.stat().st_size]
    made_again = ("-neighbors-", "-map-")  # by a merge: see below
    files = [p for p in files if not any(name in p.name for name in made_again)]
    assert len(files) > 10
    for file in files:
        whole = file.read_bytes()
        for damaged in (whole[:-1] + bytes([whole[-1] ^ 4]), whole[: len(whole) // 2], None):
            file.unlink()
            if damaged is not None:
                file.write_bytes(damaged)
            if file.suffix != ".sqlite3" or damaged is None:  # its last byte may be free
                with pytest.raises((CorruptCollection, CollectionNotFound)):
                    restore(tmp_path / "kept", tmp_path / "back")
            assert not (tmp_path / "back").exists()
        file.write_bytes(whole)
    restore(tmp_path / "kept", tmp_path / "back")
    assert not list(tmp_path.glob(".new-*"))


def test_a_backup_whose_table_or_map_is_damaged_is_restored(store: Store, tmp_path: Path) -> None:
    """What a merge makes again must not keep anybody from their items; the damage is told."""
    count = map_step.FEWEST
    store.append([put(f"i{n}", image(n)) for n in range(count)])
    store.merge()
    with store.pin() as view:
        assert item_map(view, "look").method == "layout"
    store.backup(tmp_path / "kept")
    kept = tmp_path / "kept"
    tables, maps = ([*kept.rglob(f"lens-1-{kind}-*.part")] for kind in ("neighbors", "map"))
    assert len(tables) >= 3
    assert len(maps) >= 3
    for file in (*tables, *maps):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        restore(tmp_path / "kept", tmp_path / file.name)
        with open_store(tmp_path / file.name) as back:
            with back.pin() as view:
                assert view.count() == count
                assert (view.listed("look", [1], 3) == [None]) == (file in tables)
                assert item_map(view, "look").method == ("principal" if file in maps else "layout")
            assert any(file.name in problem for problem in back.check())
        file.write_bytes(whole)


def test_a_backup_that_fails_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the copy nor a part of it."""
    store.append([put("a")])

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "kept").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("mitame.storage.files.write_all", fail)
        patch.setattr("mitame.storage.files.write_all_at", fail)
        with pytest.raises(MitameError, match="No space left"):
            store.backup(tmp_path / "kept" / "monday")
    assert list((tmp_path / "kept").iterdir()) == []
