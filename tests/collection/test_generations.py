"""Merges, switches and rollbacks: what they keep, what they remove, and who may do them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mitame.collection import (
    DeltaCounts,
    ItemImage,
    Patch,
    Remove,
    Store,
    create,
    open_store,
)
from mitame.collection.paths import MERGE_LOCK
from mitame.collection.steps import STEPS
from mitame.errors import CollectionBusy, UsageError
from mitame.filters import parse
from mitame.search import Query, search
from mitame.storage import LocalDirectory
from tests.collection.made import COLOR, LOOK, image, noise, put
from tests.collection.moments import answers, moment


def _numbers(store: Store) -> list[int]:
    return [info.number for info in store.generations()]


def _segments(store: Store) -> list[str]:
    return sorted(path.name for path in (store.path / "log").iterdir())


def test_a_merge_changes_no_answer(store: Store) -> None:
    """Rows, filters and vectors come from the snapshot, and are what they were."""
    store.append([put(f"i{n}", image(n), category="xy"[n % 2]) for n in range(30)])
    store.append([Remove("i3"), put("i4", image(99)), Patch("i5", attributes={"n": 1})])
    before = moment(store), answers(store)
    assert store.merge() == 1
    assert (moment(store), answers(store)) == before
    with store.pin() as view:
        assert view.generation == 1
        assert view.count(parse("category=x")) == 14
        assert view.count(parse("n=1")) == 1
        assert view.lens_rows("look").pieces == ()
    assert store.merge() is None
    assert store.check() == []


def test_writes_after_a_merge_are_in_the_delta(store: Store) -> None:
    """New rows are found beside old ones; replaced and removed ones are not; attributes follow."""
    store.append([put(f"i{n}", image(n), category="x") for n in range(20)])
    store.merge()
    store.append([put("i1", image(50)), Remove("i2"), Patch("i3", category="y"), put("new")])
    with store.pin() as view:
        found = search(view, Query("look", noise(50)[np.newaxis], 20))
        ids = [n.id for n in found.neighbors]
        assert ids[0] == "i1"
        assert sorted(ids) == sorted([f"i{n}" for n in range(20) if n != 2] + ["new"])
        assert view.count(parse("category=y")) == 1
        assert np.count_nonzero(view.owners("look") < 0) == 2
        rows = view.rows_of("look", [view.keys(["i1"])["i1"], view.keys(["i7"])["i7"]])
        owners = view.owner_of("look", rows)
        assert sorted(owners) == sorted(view.keys(["i1", "i7"]).values())
    counts = store.delta()
    assert counts == DeltaCounts(4, 2 * 16, 2 / 20, counts.age_seconds, 20)
    assert counts.age_seconds >= 0


def test_a_view_is_of_its_generation_whatever_is_switched_and_removed(store: Store) -> None:
    """One pinned before three merges that keep a single generation reads as if nothing were."""
    store.append([put(f"i{n}", image(n), category="x") for n in range(10)])
    store.merge()
    store.append([put("i1", image(20)), Remove("i2")])
    with store.pin() as view:
        for n in range(3):
            store.append([put("i1", image(30 + n)), Remove(f"i{n + 5}")])
            assert store.merge(keep=1) == n + 2
        assert _numbers(store) == [1, 4]
        assert view.generation == 1
        assert view.count(parse("category=x")) == 8
        assert view.vectors("i1", "look").tolist() == [noise(20).tolist()]
        assert view.index("look").search(noise(20)[None], 1).ids.tolist() == [[10]]
    store.append([Remove("i3")])
    assert store.merge(keep=1) == 5
    assert _numbers(store) == [5]
    assert store.check() == []


def test_a_view_without_a_snapshot_keeps_the_whole_log(store: Store, small_files: None) -> None:
    """Generation 0 is pinned too, although there is nothing of it but the log."""
    store.append([put(f"i{n}", image(n)) for n in range(20)])
    with store.pin() as view:
        store.merge()
        store.append([put("z")])
        store.merge(keep=1)
        assert "1-000000000000.f32" in _segments(store)
        assert view.vectors("i3", "look").tolist() == [noise(3).tolist()]
    store.append([put("y")])
    store.merge(keep=1)
    assert _segments(store) == ["1-000000000018.f32"]
    assert store.check() == []


def test_what_is_in_every_snapshot_is_cut(store: Store, small_files: None) -> None:
    """The journal, the dead rows, the checksums and the log up to the oldest snapshot are gone."""
    store.append([put(f"i{n}", image(n)) for n in range(20)])
    store.append([put("i1", image(50)), Remove("i2")])
    store.merge(keep=1)
    with store.pin() as view:
        for table in ("journal", "dead_rows"):
            assert view.select(f"SELECT count(*) FROM {table}") == [(0,)]
        assert view.select("SELECT min(first) FROM appends WHERE lens = 1") == [(18,)]
        assert view.position == 22
    assert _segments(store) == ["1-000000000018.f32"]
    assert store.append([put("k")]) == 23


def test_another_process_s_switch_shows_at_the_next_pin(store: Store) -> None:
    """Without opening again; a view of before stays where it is."""
    store.append([put("a", image(1))])
    with open_store(store.path) as other, other.pin() as before:
        store.merge()
        store.append([put("b", image(2))])
        assert (before.generation, before.count()) == (0, 1)
        with other.pin() as after:
            assert (after.generation, after.count()) == (1, 2)


def test_rollback_serves_an_older_base_and_loses_nothing(store: Store) -> None:
    """Items are as they are now; merging goes on from there with a new number."""
    store.append([put(f"i{n}", image(n)) for n in range(6)])
    store.merge()
    store.append([Remove("i1"), put("i2", image(20))])
    store.merge()
    before = moment(store), answers(store)
    store.rollback(1)
    assert [info.served for info in store.generations()] == [True, False]
    assert (moment(store), answers(store)) == before
    store.append([put("z", image(30))])
    before = moment(store), answers(store)
    assert store.merge() == 3
    assert (moment(store), answers(store)) == before
    assert _numbers(store) == [2, 3]
    assert store.check() == []


def test_the_served_generation_stays_however_old(store: Store) -> None:
    """A merge that has nothing to do, and keeps one only, keeps two: the newest and this."""
    store.append([put("a")])
    store.merge(keep=3)
    store.append([put("b")])
    store.merge(keep=3)
    store.rollback(1)
    store.merge(keep=3)
    store.rollback(2)
    assert store.merge(keep=1) is None
    assert _numbers(store) == [2, 3]
    assert store.check() == []


def test_rollback_to_what_is_not_there(store: Store) -> None:
    """Says which there are."""
    with pytest.raises(UsageError, match="no generation 1") as caught:
        store.rollback(1)
    assert "none yet" in caught.value.remedy
    store.append([put("a")])
    store.merge()
    with pytest.raises(UsageError, match="no generation 7") as caught:
        store.rollback(7)
    assert caught.value.remedy == "there are: 1"


def test_one_merge_at_a_time(store: Store) -> None:
    """The second is told so, and so is a rollback."""
    store.append([put("a")])
    with LocalDirectory(store.path).lock(MERGE_LOCK):
        with pytest.raises(CollectionBusy):
            store.merge()
        with pytest.raises(CollectionBusy):
            store.rollback(1)
    with pytest.raises(UsageError, match="0 generations"):
        store.merge(keep=0)
    assert store.merge() == 1


def test_float16_halves_the_vectors(store: Store, tmp_path: Path) -> None:
    """Near what they were, and the delta on top is exact; a merge in float32 goes on from it."""
    store.append([put(f"i{n}", image(n)) for n in range(50)])
    store.append([put("c", ItemImage({"color": noise(1, 3)}))])
    wanted = answers(store)
    store.merge(dtype="float16")
    (halved,) = store.generations()
    for got, exactly in zip(answers(store), wanted, strict=True):
        assert [i for i, _ in got] == [i for i, _ in exactly]
        assert np.allclose([d for _, d in got], [d for _, d in exactly], atol=2e-3)
    store.append([put("new", image(60))])
    with store.pin() as view:
        assert view.vectors("new", "look").tolist() == [noise(60).tolist()]
        assert np.allclose(view.vectors("i3", "look"), noise(3), atol=1e-3)
    assert store.check() == []
    store.merge()
    assert store.generations()[-1].bytes > halved.bytes
    assert store.check() == []


def test_a_merge_goes_on_where_another_was_stopped(store: Store) -> None:
    """The plan of the first is used again, so that what came since is in the next delta."""
    store.append([put(f"i{n}", image(n)) for n in range(6)])

    def stop(done: int, total: int) -> None:
        assert 0 < done <= total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.merge(on_progress=stop)
    store.append([put("late", image(9))])
    told: list[tuple[int, int]] = []
    assert store.merge(on_progress=lambda *both: told.append(both)) == 1
    assert told[-1][0] == told[-1][1] == 6 * 16 * (1 + len(STEPS))
    assert store.delta().items == 1
    assert store.merge() == 2
    assert store.delta().items == 0
    assert store.check() == []


def test_many_names_of_attributes(tmp_path: Path) -> None:
    """More than a snapshot keeps columns for: filters on the others are right all the same."""
    with create(tmp_path / "shop", [LOOK, COLOR]) as store:
        store.append([put(f"i{n}", image(n), attributes={f"k{n}": n, "all": 1}) for n in range(90)])
        store.merge()
        store.append([Patch("i3", attributes={"k80": 80, "brand": "new"})])
        store.merge()
        with store.pin() as view:
            for n in (0, 3, 50, 79, 89):
                assert view.count(parse(f"k{n}={n}")) == (n != 3)
            assert view.count(parse("k80=80")) == 2
            assert view.count(parse("brand=new")) == 1
            assert view.count(parse("all=1")) == 89
        assert store.check() == []
