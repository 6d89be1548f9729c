"""Making and writing when something fails: group commit, full disks, the order of syncs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mitame.collection import (
    Change,
    Item,
    Lens,
    Remove,
    Store,
    create,
    open_store,
)
from mitame.collection.log import segment_name
from mitame.collection.paths import LOG
from mitame.errors import (
    CollectionExists,
    ItemNotFound,
    MitameError,
    StorageError,
    UsageError,
)
from mitame.storage import LocalDirectory
from tests.collection.made import LOOK, noise, put, spec


def _item(store: Store, item_id: str) -> Item | None:
    with store.pin() as view:
        return view.get(item_id)


def test_one_bad_batch_fails_alone_when_threads_commit_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that gathered behind a slow commit: the good ones are kept, the bad one refused."""
    gathered, go_on = threading.Event(), threading.Event()
    commit = store._writer._commit_waiting

    def slow() -> None:
        if threading.current_thread().name == "first":
            gathered.set()
            go_on.wait(10)
        commit()

    monkeypatch.setattr(store._writer, "_commit_waiting", slow)
    results: dict[str, object] = {}

    def append(name: str, change: Change) -> None:
        try:
            results[name] = store.append([put(f"{name}-too"), change])
        except MitameError as error:
            results[name] = error

    first = threading.Thread(target=append, name="first", args=("first", put("first")))
    first.start()
    assert gathered.wait(10)
    others = [
        threading.Thread(target=append, args=("good", put("good"))),
        threading.Thread(target=append, args=("bad", Remove("nothing"))),
        threading.Thread(target=append, args=("fine", put("fine"))),
    ]
    for thread in others:
        thread.start()
    while len(store._writer._waiting) < 4:
        threading.Event().wait(0.001)
    go_on.set()
    for thread in (first, *others):
        thread.join()
    assert isinstance(results["bad"], ItemNotFound)
    assert sorted(p for p in results.values() if isinstance(p, int)) == [2, 4, 6]
    with store.pin() as view:
        ids = [item.id for item in view.items()]
        assert ids == ["fine", "fine-too", "first", "first-too", "good", "good-too"]
        for name in ids:
            assert view.vectors(name, "look")[0].tolist() == noise(sum(name.encode())).tolist()
    assert store.check() == []


def test_a_disk_that_fails_loses_nothing_of_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where vectors can't be synced nothing is committed, and the next write is good again."""
    store.append([put("a")])

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mitame.storage.files.sync_file", fail)
        with pytest.raises(StorageError, match="No space left"):
            store.append([put("b"), Remove("a")])
    with store.pin() as view:
        assert [item.id for item in view.items()] == ["a"]
    store.append([put("c")])
    with store.pin() as view:
        assert view.vectors("c", "look")[0].tolist() == noise(sum(b"c")).tolist()
    assert store.check() == []


def test_vectors_are_synced_before_they_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the moment of the sync nobody sees the new item yet, but its bytes are in the file."""
    seen: list[tuple[int, bool]] = []
    file = store.path / LOG / segment_name(1, 0)

    def watch(*_: object) -> None:
        with open_store(store.path) as other, other.pin() as view:
            seen.append((view.position, noise(sum(b"a")).tobytes() in file.read_bytes()))

    monkeypatch.setattr("mitame.storage.files.sync_file", watch)
    store.append([put("a")])
    assert seen == [(0, True)]


def test_create_refuses_what_exists(store: Store, tmp_path: Path) -> None:
    """A collection, an empty folder or a file in its place; nothing is left beside it."""
    (tmp_path / "data" / "empty").mkdir()
    (tmp_path / "data" / "file").touch()
    for name in ("shop", "empty", "file"):
        with pytest.raises(CollectionExists):
            create(tmp_path / "data" / name, [LOOK])
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["empty", "file", "shop"]


def test_create_that_comes_second_at_the_last_instant_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process's collection came between looking and renaming: it stays as it is."""
    store.append([put("a")])
    exists, answers = LocalDirectory.exists, [False]

    def late(directory: LocalDirectory, name: str) -> bool:
        return answers.pop() if answers and name == "shop" else exists(directory, name)

    monkeypatch.setattr(LocalDirectory, "exists", late)
    with pytest.raises(CollectionExists):
        create(store.path, [LOOK])
    assert answers == []
    assert _item(store, "a") is not None
    assert store.check() == []


def test_create_needs_lenses_of_different_names(tmp_path: Path) -> None:
    """None, or two of one name."""
    wrong: list[list[Lens]] = [[], [LOOK, Lens("look", spec(9))]]
    for lenses in wrong:
        with pytest.raises(UsageError):
            create(tmp_path / "shop", lenses)


def test_a_create_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the collection nor what was built of it."""

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("mitame.collection.opening.make", fail)
    with pytest.raises(StorageError):
        create(tmp_path / "shop", [LOOK])
    assert list(tmp_path.iterdir()) == []
