"""An evaluation is what was measured, of which moment; it is kept where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mitame
from mitame.errors import NoCategories, UnknownLens, UsageError
from mitame.evaluation.evaluating import evaluated

PLACES = (("p", 0.0, "a"), ("q", 1.0, "a"), ("r", 10.0, "b"))
"""Two of the first two's and one of nobody's kind: 2 of 6 neighbours are right."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    lenses = {"v": "vectors:1:euclidean", "w": "vectors:1:euclidean"}
    with mitame.open(tmp_path, lenses=lenses) as found:
        for name, place, kind in PLACES:
            found.add(name, vectors={"v": [place], "w": [-place]}, category=kind)
        yield found


def test_each_lens_is_measured_and_kept(shop: mitame.Collection) -> None:
    """With the moment; the next one is of a later moment, and both stay."""
    first = shop.evaluate()
    assert [(each.lens, each.kind, each.engine) for each in first] == [
        ("v", "categories", "exact"),
        ("w", "categories", "exact"),
    ]
    assert first[0].measures == {
        "share": 0.3333,
        "first": 0.6667,
        "found": 0.6667,
        "chance": 0.3333,
    }
    assert (first[0].queries, first[0].k, first[0].generation) == (3, 10, 0)
    assert first[0].fingerprint == shop.lenses["v"].spec.fingerprint
    shop.store.merge()
    shop.add("s", vectors={"v": [11.0], "w": [11.0]}, category="b")
    (second,) = shop.evaluate(lens="v", k=1, sample=2)
    assert (second.queries, second.k, second.generation) == (2, 1, 1)
    assert second.position > first[0].position
    assert second.measures["share"] == 1
    assert shop.evaluations() == [second, *first[::-1]]
    assert shop.evaluations(kind="categories", lens="w") == [first[1]]
    assert shop.evaluations(cursor=second.sequence, limit=1) == [first[1]]


def test_nothing_is_kept_where_that_is_not_wanted(shop: mitame.Collection) -> None:
    """The result is the same."""
    (told,) = shop.evaluate(lens="v", keep=False)
    assert told.measures["share"] == 0.3333
    assert told.sequence == 0
    assert shop.evaluations() == []


def test_steps_of_all_lenses_are_told_as_one(shop: mitame.Collection) -> None:
    """From the first item of the first to the last of the last."""
    steps: list[tuple[int, int]] = []
    with shop.store.pin() as view:
        evaluated(view, None, on_step=lambda *step: steps.append(step))
    assert steps == [(done, 6) for done in range(1, 7)]


def test_a_lens_without_vectors_keeps_no_other_from_being_measured(tmp_path: Path) -> None:
    """It is left out, as one that is just being filled; asked for by name, it is refused."""
    with mitame.open(tmp_path, lenses={"v": "vectors:1:euclidean", "w": "vectors:1"}) as shop:
        for name, place, kind in PLACES:
            shop.add(name, vectors={"v": [place]}, category=kind)
        assert [each.lens for each in shop.evaluate()] == ["v"]
        with pytest.raises(UsageError, match="no item has neighbours"):
            shop.evaluate(lens="w")


def test_what_cannot_be_measured_is_refused(shop: mitame.Collection) -> None:
    """By what is wrong, and nothing is kept."""
    for wrong in ({"k": 0}, {"k": 10_001}, {"sample": 0}):
        with pytest.raises(UsageError):
            shop.evaluate(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownLens):
        shop.evaluate(lens="none")
    for name, _, _ in PLACES[:2]:
        shop.remove(name)
    with pytest.raises(NoCategories) as told:
        shop.evaluate()
    assert (told.value.code, told.value.status) == ("no_categories", 409)
    assert shop.evaluations() == []
