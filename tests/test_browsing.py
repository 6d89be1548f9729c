"""What a collection holds: counts agree with what filters say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.browsing import attributes, drawn_items, facets, suggested
from mitame.errors import UsageError
from mitame.filters import Filter, Match, Range

COUNT = 60


@pytest.fixture
def shop(tmp_path: Path) -> mitame.Collection:
    """Prices, flags that are 1 or true, tags as lists, some of each missing."""
    made = mitame.open(tmp_path, "shop", lenses={"own": "vectors:2"})
    for n in range(COUNT):
        told: dict[str, object] = {"price": n * 10}
        told |= {"flag": (1, True, 1.0, None)[n % 4]} if n % 3 else {}
        told |= {"tags": ["red", "red", f"t{n % 5}"]} if n % 2 else {"tags": "red"}
        category = ("mug", "hat", None)[n % 3]
        made.add(f"sku-{n:02}", vector=np.ones(2), category=category, attributes=told)
    return made


@pytest.mark.parametrize("merged", [False, True])
def test_a_value_counts_as_many_as_its_filter_finds(shop: mitame.Collection, merged: bool) -> None:
    """Of every value and range told, before and after a merge and a change."""
    if merged:
        shop.store.merge()
        shop.remove("sku-07")
        shop.update("sku-08", category="new", attributes={"price": 5.5})
    where = Filter((Range("price", (("gte", 50),)),))
    wanted = [Range("price", (("gte", 0), ("lt", 100))), Range("price", (("gte", 100),))]
    with shop.store.pin() as view:
        names = ["category", "flag", "tags", "price", "nothing"]
        total, found = facets(view, names, where, top=1_000, ranges={"price": wanted})
        assert total == view.count(where)
        assert [each.key for each in found] == names
        for facet in found:
            assert facet.distinct == len(facet.values)
            for value, count in facet.values:
                condition = Match(facet.key, (value,))
                assert view.count(Filter((*where.must, condition))) == count, value
            for each, count in facet.ranges:
                assert view.count(Filter((*where.must, each))) == count
            counts = [count for _, count in facet.values]
            assert counts == sorted(counts, reverse=True)
        price = found[3]
        assert (price.lowest, price.highest) == (50, 590)
        assert len(price.ranges) == 2
        assert found[4].values == ()
        flags = [value for value, _ in found[1].values]
        assert True in [value for value in flags if isinstance(value, bool)]
        assert None in flags
        few = facets(view, ["tags"], where, top=2)[1][0]
        assert few.values == found[2].values[:2]
        assert few.distinct == found[2].distinct


def test_too_much_is_refused(shop: mitame.Collection) -> None:
    """No names, one twice, too many values, ranges of another name."""
    with shop.store.pin() as view:
        for names, more in (
            ([], {}),
            (["a", "a"], {}),
            (["a"], {"top": 1_001}),
            (["a"], {"ranges": {"b": []}}),
        ):
            with pytest.raises(UsageError):
                facets(view, names, **more)


def test_names_have_kinds_and_counts(shop: mitame.Collection) -> None:
    """The category first, then the most frequent."""
    with shop.store.pin() as view:
        found = {each.name: each for each in attributes(view)}
    assert list(found) == ["category", "price", "tags", "flag"]
    assert found["flag"].kinds == ("boolean", "null", "number")
    assert found["tags"].kinds == ("list", "text")
    assert found["category"].items == 40
    assert found["flag"].items == 40


def test_items_are_drawn(shop: mitame.Collection) -> None:
    """Only those that pass, each once, the same ones for a seed; others without one."""
    where = Filter((Match("category", ("mug",)),))
    with shop.store.pin() as view:
        seed, some = drawn_items(view, 7, where)
        assert len({each.id for each in some}) == 7
        assert {each.category for each in some} == {"mug"}
        assert drawn_items(view, 7, where, seed) == (seed, some)
        assert len({tuple(i.id for i in drawn_items(view, 7)[1]) for _ in range(5)}) > 1
        assert len(drawn_items(view, 1_000)[1]) == COUNT


def test_ids_are_suggested(shop: mitame.Collection) -> None:
    """Sorted, no more than asked, none that begins otherwise."""
    with shop.store.pin() as view:
        assert suggested(view, "sku-1", 3) == ["sku-10", "sku-11", "sku-12"]
        assert suggested(view, "sku-5", 100) == [f"sku-{n}" for n in range(50, 60)]
        assert suggested(view, "x", 3) == []
        assert len(suggested(view, "", 3)) == 3
