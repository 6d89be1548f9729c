"""Thumbnails that nobody has asked for: they take free room only, and go first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from mitame.collection.paths import THUMBNAILS
from mitame.thumbnails.store import ThumbnailStore
from mitame.thumbnails.unseen import OVERHEAD

MOST = 20_000


def here(path: Path) -> dict[str, bytes]:
    """All that a store's file holds, by name."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        found = {}
        for table in {"thumbnails", "unseen"} & set(tables):
            found.update(dict(connection.execute(f"SELECT name, data FROM {table}")))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_what_was_asked_for_stays_as_if_there_were_no_others(tmp_path: Path, seed: int) -> None:
    """Over random histories: the same ones are kept as in a store that only knows those."""
    random = Random(seed)
    store = ThumbnailStore(tmp_path / THUMBNAILS, MOST)
    plain = ThumbnailStore(tmp_path / "plain.sqlite3", MOST)
    asked: list[str] = []
    for number in range(150):
        name, data = f"n{number}", bytes([number]) * random.randint(1, 1_500)
        act = random.random()
        if act < 0.4:
            store.keep(name, data)
            plain.keep(name, data)
            asked.append(name)
        elif act < 0.8:
            store.keep_unseen([(name, data), (f"{name}b", data)])
        else:
            old = random.choice([*asked, *(f"n{random.randint(0, 149)}" for _ in range(3))])
            found = store.find(old)
            if found is not None and plain.find(old) is None:  # it was unseen, and is no more
                plain.keep(old, found)
                asked.append(old)
        kept = here(store._file._path)
        assert {each: kept[each] for each in here(plain._file._path)} == here(plain._file._path)
        unseen = set(kept) - set(here(plain._file._path))
        total = sum(len(data) + OVERHEAD for data in kept.values())
        assert total <= MOST + 1_500 + OVERHEAD  # the oldest in part, as ever
        assert not unseen or total <= MOST
    store.close()
    plain.close()


def test_a_full_store_takes_none(tmp_path: Path) -> None:
    """It says so beforehand, and those that are there stay."""
    store = ThumbnailStore(tmp_path / THUMBNAILS, 5_000)
    assert store.has_room(5_000)
    assert store.keep_unseen([("a", b"x" * 2_000), ("b", b"x" * 2_000)])
    assert not store.has_room(1_000)
    assert not store.keep_unseen([("c", b"x" * 1_000)])
    assert store.missing(["a", "b", "c"]) == ["c"]
    store.keep("d", b"x" * 2_000)  # asked for: the last that was made unasked goes
    assert store.missing(["a", "b", "d"]) == ["b"]
    store.close()


def test_none_are_kept_where_nothing_is(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path / THUMBNAILS, 0)
    assert not store.has_room(1)
    assert not store.keep_unseen([("a", b"x")])
    assert store.find("a") is None
    store.close()


def test_a_store_of_an_earlier_build_opens(tmp_path: Path) -> None:
    """It has no such table until one is put in."""
    path = tmp_path / THUMBNAILS
    store = ThumbnailStore(path)
    store.keep("old", b"data")
    assert store.find("new") is None
    assert store.missing(["old", "new"]) == ["new"]
    assert store.keep_unseen([("old", b"other"), ("new", b"more")])
    assert (store.find("old"), store.find("new")) == (b"data", b"more")
    store.close()


def test_a_damaged_file_holds_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / THUMBNAILS).write_bytes(b"no database at all" * 100)
    store = ThumbnailStore(tmp_path / THUMBNAILS)
    assert not store.keep_unseen([("a", b"x")])
    assert not store.has_room(1)
    assert store.missing(["a"]) == []  # nothing is made for a place that can't keep it
    store.close()
