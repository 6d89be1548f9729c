"""Tags of items, changes on condition of them, and groups of changes with an outcome each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

import mitame
from mitame.collection import (
    ANY,
    Attach,
    Change,
    Expect,
    Lens,
    Patch,
    Relocate,
    Remove,
    Store,
    open_store,
)
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import InvalidId, ItemNotFound, MitameError, PreconditionFailed
from tests.collection.made import COLOR, image, noise, put
from tests.serving.running_runner import until

PATHS = [str(Path(mitame.__file__).parent.parent), str(Path(__file__).parent.parent.parent)]


def tag(store: Store, item_id: str = "a") -> str | None:
    """The item's tag now."""
    with store.pin() as view:
        return view.tag(item_id)


CHANGES: dict[str, Change] = {
    "category": Patch("a", category="cup"),
    "no category": Patch("a", category=None),
    "attributes": Patch("a", attributes={"price": 2}),
    "the same item again": put("a", image(1), category="mug", attributes={"price": 1}),
    "a vector of another lens": Attach("a", None, {"color": noise(2, 3)}),
    "another vector": Attach("a", None, {"look": noise(9)}),
    "where its picture lies": Relocate("a", "a", "/elsewhere.jpg"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_gives_another_tag(store: Store, change: Change) -> None:
    """Whatever is changed; and what is changed about another item gives the same one."""
    store.append([put("a", image(1), category="mug", attributes={"price": 1}), put("b")])
    before, other = tag(store), tag(store, "b")
    store.append([change])
    assert tag(store) not in (before, None)
    assert tag(store, "b") == other


def test_what_changes_nothing_keeps_the_tag(store: Store) -> None:
    """A merge, another process' view of it and another lens do; a removed item has none."""
    store.append([put("a", image(1))])
    before = tag(store)
    store.merge()
    store.add_lens(type(COLOR)("other", EmbedderSpec("made", "", (8, 8), {}, 5)))
    with open_store(store.path) as other:
        assert tag(other) == tag(store) == before
    store.append([Remove("a")])
    assert tag(store) is None
    store.append([put("a", image(1))])
    assert tag(store) not in (before, None)


def test_a_change_on_condition(store: Store) -> None:
    """It is made where the item is as expected; elsewhere nothing of the batch is."""
    store.append([put("a", image(1))])
    now = tag(store)
    assert now is not None
    for expected in (
        Expect("a", one_of=frozenset({"0" * 32})),
        Expect("a", none_of=frozenset({ANY})),
        Expect("a", none_of=frozenset({now})),
        Expect("none", one_of=frozenset({ANY})),
        Expect("none", one_of=frozenset({now})),
    ):
        with pytest.raises(PreconditionFailed):
            store.append([put("b"), expected, Patch("a", category="x")])
    assert tag(store) == now
    assert tag(store, "b") is None
    for expected in (
        Expect("a", one_of=frozenset({ANY})),
        Expect("a", one_of=frozenset({now, "0" * 32})),
        Expect("none", none_of=frozenset({ANY})),
        Expect("a", none_of=frozenset({"0" * 32})),
    ):
        assert store.append([expected]) == 1
    with pytest.raises(InvalidId):
        store.append([Expect("")])


def test_of_many_threads_that_expect_the_same_one_wins(store: Store) -> None:
    """Each of twenty rounds has exactly one winner, whose change is there."""
    store.append([put("a", image(1))])

    def edit(name: str, expected: str) -> str | None:
        change = Patch("a", category=name)
        try:
            store.append([Expect("a", one_of=frozenset({expected})), change])
        except PreconditionFailed:
            return None
        return name

    with ThreadPoolExecutor(4) as pool:
        for number in range(20):
            expected = tag(store)
            assert expected is not None
            names = [f"{number}-{thread}" for thread in range(4)]
            (winner,) = filter(None, pool.map(edit, names, [expected] * 4))
            with store.pin() as view:
                item = view.get("a")
            assert item is not None
            assert item.category == winner


EDIT = """
import sys
from pathlib import Path
from mitame.collection import Expect, Patch, open_store
from mitame.errors import PreconditionFailed
with open_store(Path(sys.argv[1])) as store:
    print("ready", flush=True)
    for number, expected in enumerate(sys.stdin):
        try:
            change = Patch("a", category=f"{sys.argv[2]} {number}")
            store.append([Expect("a", one_of=frozenset({expected.strip()})), change])
            print("won", flush=True)
        except PreconditionFailed:
            print("lost", flush=True)
"""


def test_of_two_processes_that_expect_the_same_one_wins(store: Store) -> None:
    """As with threads, over the database's lock."""
    store.append([put("a", image(1))])
    editors = [
        subprocess.Popen(
            [sys.executable, "-c", EDIT, str(store.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)},
        )
        for name in ("one", "other")
    ]
    for editor in editors:
        assert editor.stdin is not None
        assert editor.stdout is not None
        assert editor.stdout.readline() == "ready\n"
    for _ in range(10):
        for editor in editors:
            assert editor.stdin is not None
            editor.stdin.write(f"{tag(store)}\n")
        for editor in editors:
            assert editor.stdin is not None
            editor.stdin.flush()
        said = sorted(e.stdout.readline().strip() for e in editors if e.stdout is not None)
        assert said == ["lost", "won"]
    for editor in editors:
        editor.communicate(timeout=30)
        assert editor.returncode == 0


def test_groups_have_an_outcome_each(store: Store) -> None:
    """One that does not fit changes nothing and fails no other; all are of one transaction."""
    store.append([put("a", image(1))])
    outcomes = store.append_each(
        [
            [put("b")],
            [put("c"), Remove("none")],
            [put("")],
            [Patch("b", category="x")],
            [Remove("a")],
        ]
    )
    assert [type(each) for each in outcomes] == [int, ItemNotFound, InvalidId, int, int]
    with store.pin() as view:
        assert [(item.id, item.category) for item in view.items()] == [("b", "x")]
        assert view.position == outcomes[-1]
    assert store.append_each([]) == []
    assert store.check() == []


def test_untouched_since(store: Store) -> None:
    """A later change of the item shows; one that a merge has forgotten counts as a change."""
    first = store.append([put("a", image(1))])
    second = store.append([put("b")])
    with store.pin() as view:
        assert view.is_untouched("a", first)
        assert not view.is_untouched("b", first)
        assert view.is_untouched("b", second)
        assert not view.is_untouched("none", second)
    store.merge(keep=1)
    with store.pin() as view:
        assert not view.is_untouched("a", first)
        assert view.is_untouched("a", second)


def test_an_error_of_the_disk_is_everybody_s(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the commit fails no group counts as done."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mitame.collection.log.LogWriter.sync", full)
    outcomes = store.append_each([[put("a")], [put("b")]])
    assert all(isinstance(each, MitameError) and each.code == "storage" for each in outcomes)
    monkeypatch.undo()
    assert tag(store, "a") is None


def test_the_tag_that_a_change_has_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of the very change, also where another's of the same item is committed with it."""
    store.append([put("a")])
    writer = store._writer
    commit = Mock(wraps=writer._commit)
    monkeypatch.setattr(writer, "_commit", commit)

    def change(category: str) -> tuple[int, str | None]:
        return store.append_and_tag(lambda _: [Patch("a", category=category)], "a")

    with ThreadPoolExecutor(2) as pool:
        with writer._turn:  # somebody else writes, so that both wait for the disk together
            going = [pool.submit(change, category) for category in ("mug", "cup")]
            until(lambda: len(writer._waiting) == 2, "both wait")
        (one, first), (two, second) = (each.result() for each in going)
    assert [len(each.args[0]) for each in commit.call_args_list] == [2]
    assert first != second
    assert tag(store) == (first if one > two else second)
    assert store.append_and_tag(lambda _: [Remove("a")], "a")[1] is None
    with pytest.raises(ItemNotFound):
        store.append_and_tag(lambda _: [Remove("a")], "a")


def test_changes_are_made_for_the_lenses_there(store: Store) -> None:
    """Another process has dropped a lens: they are made again, and what was made first is not."""
    seen: list[list[str]] = []

    def made(lenses: Mapping[str, Lens]) -> list[Change]:
        seen.append(list(lenses))
        return [put("a", category=" ".join(lenses))]

    with open_store(store.path) as other:
        other.drop_lens("color")
    _, found = store.append_and_tag(made, "a")
    assert seen == [["look", "color"], ["look"]]
    assert found == tag(store)
    with store.pin() as view:
        item = view.get("a")
        assert item is not None
        assert item.category == "look"
