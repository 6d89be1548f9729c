"""A generation that is asked alone: its answers, what has become of items since, its files."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.collection import (
    Change,
    Choice,
    Lens,
    Patch,
    Relocate,
    Remove,
    Store,
    View,
    create,
    open_store,
)
from mitame.collection.generations import MAX_OTHERS, Generations
from mitame.collection.log import Log
from mitame.collection.paths import SNAPSHOTS
from mitame.collection.pause import Pause
from mitame.errors import CollectionBusy, GenerationNotFound, InvalidFilter, UnknownLens
from mitame.filters import parse
from mitame.questions import Question, ask
from mitame.refining import Refinement
from mitame.search import Query, search, similar
from mitame.storage import LocalDirectory
from tests.collection.made import COLOR, LOOK, image, noise, put, spec
from tests.collection.workloads import quick_folder

ITEMS = 40
QUESTIONS = [noise(900 + n)[np.newaxis] for n in range(6)]


def filled(path: Path, engine: str = "exact") -> Store:
    """Items of one to three images, some of a category, and a first generation."""
    store = create(path, [LOOK, COLOR])
    images = [[image(100 * n + i) for i in range(1 + n % 3)] for n in range(ITEMS)]
    store.append(
        [put(f"i{n}", *each, category="xy"[n % 2]) for n, each in enumerate(images)]
        + [put("bare", image(7, lens="color", dimension=3))]
    )
    store.choose("look", Choice(engine, {}, why="test"))
    store.merge(keep=9, neighbors=8)
    return store


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    with filled(tmp_path / "shop") as made:
        yield made


def told(answer: Any) -> list[tuple[str, float, str]]:
    return [(each.id, each.distance, each.match) for each in answer.neighbors]


def answered(view: View) -> list[Any]:
    """Questions by vectors in all their forms: answers as plain values."""
    found = []
    for vectors in QUESTIONS:
        for exact in (False, True):
            found.append(told(search(view, Query("look", vectors, 7, exact=exact))))
        where = parse("category=x")
        found.append(told(search(view, Query("look", vectors, 7, where))))
        found.append(told(search(view, Query("look", vectors, 50, where, score_threshold=0.2))))
        varied = Question("look", (vectors[0],), limit=5, refinement=Refinement(0.4, 0.9))
        found.append(told(ask(view, varied).answer))
    return found


def asked_by_item(view: View) -> list[Any]:
    return [
        told(similar(view, f"i{n}", lens="look", limit=limit, where=where))
        for n in range(ITEMS)
        for limit, where in ((5, None), (20, None), (4, parse("category=y")))
    ]


def numbers(store: Store) -> list[int]:
    return [info.number for info in store.generations()]


@pytest.mark.parametrize("engine", ["exact", "cascade", "hnsw"])
def test_without_a_delta_it_answers_as_the_collection_does(tmp_path: Path, engine: str) -> None:
    """By the engine, exactly, under filters, refined, and by items, from the table and past it."""
    with filled(tmp_path / "shop", engine) as store, store.pin() as now:
        assert now.listed("look", [1], 5) != [None]
        with store.alone(now, 1) as view:
            assert answered(view) == answered(now)
            assert asked_by_item(view) == asked_by_item(now)
            assert (view.generation, view.position) == (1, now.position)
            assert view.count() == now.count() == ITEMS + 1
            assert view.count(parse("category=x")) == now.count(parse("category=x"))
        with store.alone(now, None) as same:
            assert same is now


CHANGES = st.one_of(
    st.builds(lambda n, seed: put(f"i{n}", image(seed)), st.integers(0, 60), st.integers(0, 999)),
    st.builds(lambda n: Remove(f"i{n}"), st.integers(0, ITEMS - 1)),
    st.builds(
        lambda n, c: Patch(f"i{n}", category=c), st.integers(0, ITEMS - 1), st.sampled_from("xyz")
    ),
)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.one_of(CHANGES, st.sampled_from(["merge", "back"])), max_size=12))
def test_whatever_is_written_since_it_answers_as_it_did(steps: list[Change | str]) -> None:
    """To the same vectors the same items at the same distances, after writes, merges, rollbacks."""
    folder = quick_folder()
    with filled(folder / "shop") as store:
        with store.pin() as now:
            before = answered(now)
        there = {f"i{n}" for n in range(ITEMS)}
        for step in steps:
            if step == "merge":
                store.merge(keep=9)
            elif step == "back":
                store.rollback(numbers(store)[0])
            elif not isinstance(step, str):
                name = step.item.id if hasattr(step, "item") else step.id
                if isinstance(step, Remove | Patch) and name not in there:
                    continue
                store.append([step])
                there = there - {name} if isinstance(step, Remove) else there | {name}
        with store.pin() as now, store.alone(now, 1) as view:
            assert answered(view) == before
            for answer in (similar(view, name, lens="look") for name in sorted(there)):
                for each in answer.neighbors:
                    assert each.since == "gone" or each.id in there


def test_two_generations_are_asked_the_same(shop: Store) -> None:
    """Each answers as it did, the served one without its delta, and after a rollback, too."""
    with shop.pin() as now:
        first = answered(now)
    shop.append([put(f"n{n}", image(900 + n)) for n in range(6)] + [Remove("i4")])
    shop.merge(keep=9)
    with shop.pin() as now:
        second = answered(now)
    shop.append([Remove(f"n{n}") for n in range(3)])
    for served in (2, 1, 2):
        shop.rollback(served)
        with shop.pin() as now, shop.alone(now, 1) as old, shop.alone(now, 2) as new:
            assert answered(old) == first
            assert answered(new) == second
            assert answered(now) not in (first, second)
            assert (old.generation, new.generation, now.generation) == (1, 2, served)


def test_what_has_become_of_items_since(shop: Store) -> None:
    """A removed one is told as gone, one with another picture as changed, a renamed one by its
    present name; none is an error, and the others are as they were."""
    wanted = noise(555)[np.newaxis]
    shop.append([put("same", image(555)), put("other", image(555)), put("went", image(555))])
    shop.append([put("renamed", image(555), category="x")])
    shop.merge(keep=9)
    shop.append([put("other", image(77), attributes={"n": 1}), Remove("went")])
    shop.append([Relocate("renamed", "called", "/pictures/555.jpg")])
    with shop.pin() as now, shop.alone(now, 2) as view:
        found = {each.id: each for each in search(view, Query("look", wanted, 4)).neighbors}
        assert {name: each.since for name, each in found.items()} == {
            "same": None,
            "other": "changed",
            "went": "gone",
            "called": None,
        }
        assert {each.match for each in found.values()} == {"same"}
        assert found["same"].image.source == "/pictures/555.jpg"
        assert found["other"].image.source is None
        assert found["other"].attributes == {"n": 1}
        assert (found["went"].category, found["went"].attributes) == (None, {})
        assert found["called"].category == "x"
        assert found["went"].to_json()["since"] == "gone"
        assert "since" not in found["same"].to_json()


def test_an_item_is_asked_about_as_it_is_now(shop: Store) -> None:
    """By the vectors that it has now, also where the generation knows it with others or not."""
    shop.append([put("new", image(600)), put("i3", image(601))])
    with shop.pin() as now, shop.alone(now, 1) as view:
        for name, seed in (("new", 600), ("i3", 601)):
            asked = noise(seed)[np.newaxis]
            wanted = search(view, Query("look", asked, 9, exclude=frozenset([name])))
            assert told(similar(view, name, lens="look", limit=9)) == told(wanted)
            assert name not in [each.id for each in wanted.neighbors]
        named = Question("look", positive=("new", "i3"), negative=("i5",), limit=9)
        assert not {"new", "i3", "i5"} & {n.id for n in ask(view, named).answer.neighbors}
        assert [item.id for item in view.items(limit=2)] == ["bare", "i0"]


def test_what_it_does_not_know_is_refused(shop: Store) -> None:
    """A lens that was added since, and an attribute of which it keeps no column."""
    shop.add_lens(Lens("newer", spec(2)))
    shop.append([Patch("i1", attributes={"price": 3})])
    with shop.pin() as now, shop.alone(now, 1) as view:
        with pytest.raises(UnknownLens, match="generation 1 has no lens 'newer'"):
            search(view, Query("newer", np.ones((1, 2), np.float32)))
        with pytest.raises(UnknownLens, match="'none'"):
            search(view, Query("none", np.ones((1, 2), np.float32)))
        with pytest.raises(InvalidFilter, match="keeps no attribute 'price'") as found:
            search(view, Query("look", QUESTIONS[0], where=parse("price<5")))
        assert "category" in str(found.value.remedy)


def test_a_generation_that_is_gone_says_so(shop: Store) -> None:
    """With those that are kept; asking leaves nothing behind."""
    shop.append([Remove("i1")])
    shop.merge(keep=1)
    assert numbers(shop) == [2]
    with shop.pin() as now:
        for number in (0, 1, 3, 999_999):
            with pytest.raises(GenerationNotFound) as found, shop.alone(now, number):
                pass
            assert found.value.status == 404
            assert found.value.remedy == "ask one of those that are kept: 2"
    assert sorted(each.name for each in (shop.path / SNAPSHOTS).iterdir()) == [
        "000002",
        "000002.pin",
    ]


def mapped(folder: Path) -> set[str]:
    """Folders below one of which this process has files mapped, removed ones marked."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    found = [line.split(None, 5)[5] for line in lines if f"{folder}/" in line]
    return {Path(name).parent.name + "!" * name.endswith(" (deleted)") for name in found}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_merge_removes_what_was_asked(shop: Store) -> None:
    """It holds no older generation any more, on the disk or in memory."""
    with shop.pin() as now, shop.alone(now, 1) as view:
        answered(view)
    shop.append([Remove("i1")])
    shop.merge(keep=2)
    with shop.pin() as now, shop.alone(now, 1) as view:
        answered(view)
    del now, view
    assert mapped(shop.path / SNAPSHOTS) == {"000001", "000002"}
    shop.append([Remove("i2")])
    shop.merge(keep=1)
    assert numbers(shop) == [3]
    with shop.pin() as now:
        answered(now)
    assert mapped(shop.path / SNAPSHOTS) == {"000003"}


def test_who_asks_one_keeps_it(shop: Store) -> None:
    """A merge leaves it as long as somebody holds it, and it answers until then."""
    with shop.pin() as now:
        before = answered(now)
    shop.append([Remove("i1")])
    shop.merge(keep=9)
    with shop.pin() as now, shop.alone(now, 1) as view:
        shop.append([Remove("i2")])
        shop.merge(keep=1)
        assert numbers(shop) == [1, 2, 3]
        assert answered(view) == before
    shop.append([Remove("i3")])
    shop.merge(keep=1)
    assert numbers(shop) == [4]


def held(store: Store) -> list[int]:
    """Generations that some process has pinned."""
    probe = Generations(LocalDirectory(store.path), Log(LocalDirectory(store.path)))
    found = []
    for number in numbers(store):
        try:
            with probe.pin(number, alone=True):
                pass
        except CollectionBusy:
            found.append(number)
    return found


def test_only_a_few_stay_open(shop: Store) -> None:
    """Those that were asked last; none once another one is served."""
    for n in range(5):
        shop.append([Remove(f"i{n}")])
        shop.merge(keep=9)
    for number in (1, 2, 3, 1):
        with shop.pin() as now, shop.alone(now, number) as view:
            search(view, Query("look", QUESTIONS[0]))
    assert held(shop) == [1, 3, 6]
    assert MAX_OTHERS == 2
    with shop.pin() as now, shop.alone(now, 6):
        assert held(shop) == [1, 3, 6]
    with open_store(shop.path) as other:
        other.rollback(5)
    with shop.pin():
        pass
    assert held(shop) == [5]


def test_one_is_let_go_of_when_nobody_asks(shop: Store) -> None:
    """After some seconds, so that another process's merge can remove it."""
    directory = LocalDirectory(shop.path)
    asked = Generations(directory, Log(directory), others_seconds=0.2)
    shop.append([Remove("i1")])
    shop.merge(keep=9)
    started = time.monotonic()
    asked.release(asked.acquire_one(1))
    assert held(shop) == [1, 2]
    while 1 in held(shop):
        assert time.monotonic() < started + 20
        time.sleep(0.02)
    assert time.monotonic() >= started + 0.2
    asked.close()


def test_a_pause_begins_anew() -> None:
    """What is waited for comes once, after the last beginning; never once it is ended."""
    came: list[float] = []
    pause = Pause(0.3, lambda: came.append(time.monotonic()))
    for _ in range(3):
        pause.begin()
        last = time.monotonic()
        time.sleep(0.15)
    while not came and time.monotonic() < last + 20:
        time.sleep(0.02)
    assert len(came) == 1
    assert came[0] >= last + 0.29
    pause.begin()
    pause.end()
    time.sleep(0.5)
    assert len(came) == 1
