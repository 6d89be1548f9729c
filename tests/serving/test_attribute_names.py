"""Names of attributes that are brought forward: always those that reading all items would find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.browsing import attributes
from mitame.collection import View
from mitame.serving import attribute_names as module
from mitame.serving.attribute_names import AttributeNames, Shapes

VALUES: tuple[object, ...] = (1, 2.5, True, None, "red", ["a", "b"], [])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    with mitame.open(tmp_path, "shop", lenses={"own": "vectors:2"}) as made:
        yield made


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Positions at which all items were read."""
    read: list[int] = []
    of = Shapes.of

    def counted(view: View) -> Shapes | None:
        read.append(view.position)
        return of(view)

    monkeypatch.setattr(Shapes, "of", counted)
    return read


def change(shop: mitame.Collection, rng: np.random.Generator) -> None:
    name = f"i{rng.integers(30)}"
    names = [f"n{n}" for n in range(5)] + ["category", "ünï.code"]
    told = {str(each): VALUES[rng.integers(len(VALUES))] for each in rng.choice(names, 3)}
    kind = rng.integers(3)
    if kind == 0:
        category = rng.choice(["mug", ""]) or None
        shop.add(name, vector=[1, 2], category=category, attributes=told)
    elif kind == 1:
        with shop.store.pin() as view:
            there = view.get(name)
        if there is not None:
            shop.update(name, category=None, attributes=told)
    else:
        shop.remove(name) if shop.get(name) is not None else None


def test_whatever_changes(shop: mitame.Collection, whole: list[int]) -> None:
    """Over many changes, several at a time, and merges; all items are read once, or after those."""
    rng, kept = np.random.default_rng(1), AttributeNames()
    merges = 0
    for step in range(150):
        for _ in range(int(rng.integers(3))):
            change(shop, rng)
        if step % 40 == 39:
            shop.store.merge(keep=1)
            merges += 1
        with shop.store.pin() as view:
            assert kept.find(shop, view) == attributes(view)
            assert kept.find(shop, view) == attributes(view)
    assert 1 <= len(whole) <= 1 + merges


def test_a_moment_before_that_of_others(shop: mitame.Collection) -> None:
    """A view that was pinned earlier is told what was there then, and spoils nothing."""
    kept = AttributeNames()
    shop.add("a", vector=[1, 2], attributes={"old": 1})
    with shop.store.pin() as early:
        shop.add("b", vector=[1, 2], attributes={"new": "x"})
        with shop.store.pin() as late:
            assert [each.name for each in kept.find(shop, late)] == ["category", "new", "old"]
        assert [each.name for each in kept.find(shop, early)] == ["category", "old"]
    with shop.store.pin() as late:
        assert kept.find(shop, late) == attributes(late)


@pytest.mark.parametrize(("bound", "most"), [("MOST_SHAPES", 3), ("MOST_NAMES", 6)])
def test_too_many_shapes(
    shop: mitame.Collection,
    whole: list[int],
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    most: int,
) -> None:
    """Nothing of them is held; the answer is the same."""
    monkeypatch.setattr(module, bound, most)
    kept = AttributeNames()
    for n in range(8):
        shop.add(f"i{n}", vector=[1, 2], attributes={f"n{n}": n, "all": True})
        with shop.store.pin() as view:
            assert kept.find(shop, view) == attributes(view)
    assert len(whole) > 2
