"""What a Python caller hands over wrongly is a UsageError with a remedy, and changes nothing."""

from __future__ import annotations

import io
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mitame
from mitame.collection.item import check_attributes, check_category, check_id
from mitame.errors import CollectionNotFound, InvalidFilter, SpecMismatch, UsageError


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    with mitame.open(tmp_path, lenses={"v": "vectors:4", "color": "color"}) as shop:
        shop.add("a", vectors={"v": [1, 0, 0, 0]})
        yield shop


NOT_PICTURES: list[Any] = [["x.jpg"], 5, io.StringIO("text"), b"", object(), np.zeros((2, 2))]


@pytest.mark.parametrize("picture", NOT_PICTURES, ids=lambda each: type(each).__name__)
def test_what_is_no_picture(shop: mitame.Collection, picture: Any) -> None:
    """Each is refused by one of our errors, which says what to give."""
    for call in (
        lambda: shop.search(image=picture, lens="color"),
        lambda: shop.embed(picture, lens="color"),
    ):
        with pytest.raises(mitame.MitameError) as caught:
            call()
        assert caught.value.remedy


WRONG: dict[str, dict[str, Any]] = {
    "no rows": {"vector": np.zeros((0, 4))},
    "several rows": {"vector": np.ones((12, 4))},
    "ragged": {"vector": [[1.0], [1.0, 2.0]]},
    "zeros": {"vector": np.zeros(4)},
    "words": {"vector": ["a", "b", "c", "d"]},
    "a list of vectors": {"vectors": [[1, 0, 0, 0]]},
    "images is a path": {"images": "mug.jpg"},
    "images is a number": {"images": 5},
    "category is a number": {"vector": [1, 0, 0, 0], "category": 5},
    "category commands": {"vector": [1, 0, 0, 0], "category": "\x1b[2J"},
    "half a character": {"vector": [1, 0, 0, 0], "attributes": {"x": "\udc80"}},
    "half, in a list": {"vector": [1, 0, 0, 0], "attributes": {"x": ["\udc80"]}},
    "name commands": {"vector": [1, 0, 0, 0], "attributes": {"\x1b": 1}},
    "thousands of digits": {"vector": [1, 0, 0, 0], "attributes": {"x": 10**5_000}},
}


@pytest.mark.parametrize("given_", WRONG.values(), ids=list(WRONG))
def test_what_can_not_be_added(shop: mitame.Collection, given_: dict[str, Any]) -> None:
    """Refused with a remedy; the item of that id stays as it was."""
    before = shop.get("a")
    with pytest.raises(UsageError) as caught:
        shop.add("a", **given_)
    assert caught.value.remedy
    assert shop.get("a") == before
    np.testing.assert_array_equal(shop.vectors("a", "v"), [[1, 0, 0, 0]])


def test_one_row_is_one_vector(shop: mitame.Collection) -> None:
    """float32[1, dim], as many models give it, is taken."""
    shop.add("b", vector=np.array([[0, 1, 0, 0]], np.float32))
    assert shop.search(vector=np.array([[0, 2, 0, 0]])).neighbors[0].id == "b"


@pytest.mark.parametrize("where", [5, b"x", ["category=a"], 1.5j], ids=ascii)
def test_what_is_no_filter(shop: mitame.Collection, where: Any) -> None:
    """Told at once by every call, also by the one that gives an iterator."""
    with pytest.raises(InvalidFilter):
        shop.search(vector=[1, 0, 0, 0], where=where)
    with pytest.raises(InvalidFilter):
        shop.similar("a", where=where)
    with pytest.raises(InvalidFilter):
        shop.items(where)
    with pytest.raises(InvalidFilter):
        shop.count(where)


def test_a_filter_is_read_before_iterating(shop: mitame.Collection) -> None:
    """`items` raises where it is called, not at the first step."""
    with pytest.raises(InvalidFilter):
        shop.items(where="(((")


@pytest.mark.parametrize("threshold", ["a", float("nan"), float("inf"), True])
def test_what_is_no_threshold(shop: mitame.Collection, threshold: Any) -> None:
    """A NaN would let nothing pass and say nothing."""
    with pytest.raises(UsageError):
        shop.search(vector=[1, 0, 0, 0], score_threshold=threshold)
    with pytest.raises(UsageError):
        shop.similar("a", score_threshold=threshold)


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": -1},
        {"threads": "2"},
        {"lenses": ["color"]},
        {"lenses": {"a": None}},
        {"lenses": {1: "color"}},
        {"lenses": {"v": "vectors:²"}},
    ],
    ids=ascii,
)
def test_what_can_not_be_opened(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Nothing is made for a call that is wrong."""
    with pytest.raises(UsageError) as caught:
        mitame.open(tmp_path / "data", **settings)
    assert caught.value.remedy
    assert not (tmp_path / "data").exists()


def test_what_is_no_path(shop: mitame.Collection) -> None:
    """A number is neither a data directory nor a target."""
    wrong: Any = 5
    with pytest.raises(UsageError):
        mitame.open(wrong)
    with pytest.raises(UsageError):
        shop.index(wrong)


def test_no_id_is_not_in_a_collection(shop: mitame.Collection) -> None:
    """`in` answers, whatever it is asked."""
    assert "a" in shop
    for value in ("", "\x00", True, None, 10**5_000, 5.0):
        assert value not in shop


def test_other_lenses_than_those_there_are_refused(tmp_path: Path) -> None:
    """Naming some of the lenses that are there is fine, others are not."""
    mitame.open(tmp_path, lenses={"v": "vectors:4", "w": "vectors:2"}).close()
    mitame.open(tmp_path, lenses={"w": "vectors:2"}).close()
    for lenses in ({"v": "vectors:5"}, {"v": "vectors:4:euclidean"}, {"x": "vectors:4"}):
        with pytest.raises(SpecMismatch, match="has the lenses"):
            mitame.open(tmp_path, lenses=lenses)


def _open_and_add(data: str, name: str, start: Any) -> None:
    start.wait()
    with mitame.open(data, lenses={"v": "vectors:2"}) as shop:
        shop.add(name, vector=[1, 0])


def test_several_processes_make_one_collection(tmp_path: Path) -> None:
    """All of them open it, whichever was first."""
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    workers = [
        spawn.Process(target=_open_and_add, args=(str(tmp_path), name, start)) for name in "abc"
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    assert [each.exitcode for each in workers] == [0, 0, 0]
    with mitame.open(tmp_path, create=False) as shop:
        assert [item.id for item in shop.items()] == ["a", "b", "c"]


def test_the_loser_of_the_race_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collection appears between looking and making."""
    from mitame import collection as storage
    from mitame import opening
    from mitame.lenses import new_lenses

    first = opening.opened
    missed: list[Path] = []

    def missing_once(path: Path, lenses: Any) -> Any:
        if not missed:
            missed.append(path)
            storage.create(path, new_lenses({"v": "vectors:2"})).close()  # the other process
            raise CollectionNotFound("not yet")
        return first(path, lenses)

    monkeypatch.setattr(opening, "opened", missing_once)
    with mitame.open(tmp_path, lenses={"v": "vectors:2"}) as shop:
        assert list(shop.lenses) == ["v"]


@given(st.text(min_size=1, max_size=20))
def test_texts_are_kept_or_refused_alike(text: str) -> None:
    """An id, a category and an attribute's name take the same texts, and keep them."""
    kept = []
    for call in (check_id, check_category, lambda name: next(iter(check_attributes({name: 1})))):
        try:
            kept.append(call(text))
        except UsageError:
            kept.append(None)
    assert kept in ([text] * 3, [None] * 3)
