"""Following a collection: nothing that others do is missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mitame import native
from mitame.collection import Item, ItemImage, Patch, Put, Relocate, Remove, Store, create, new_rows
from mitame.collection import following as module
from mitame.collection.following import Following
from mitame.collection.paths import DATABASE
from mitame.collection.sketches import Sketcher
from mitame.collection.wal_index import wal_header
from mitame.errors import CollectionNotFound
from mitame.lenses import new_lenses

WHOLE = Sketcher(2, "euclidean", None)


def put(name: str, *numbers: float) -> Put:
    vector = np.array(numbers or (1, 2), np.float32)
    return Put(Item(name, None, {}, (ItemImage({"look": vector}, content_hash=name),)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "shop", new_lenses({"look": "vectors:2:euclidean"})) as made:
        made.append([put("a"), put("b")])
        yield made


@pytest.fixture(params=["shared memory", "asking SQLite"])
def following(
    store: Store, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Following]:
    """By both ways of telling whether there is something new."""
    if request.param == "asking SQLite":
        monkeypatch.setattr(module, "wal_header", lambda _: None)
    else:
        assert wal_header(store.path / DATABASE) is not None
    made = Following(store.path)
    yield made
    made.close()


def test_changes_item_by_item(store: Store, following: Following) -> None:
    """Each change is told with its position, and whether the vectors are others."""
    assert (following.look(), following.changed) == (2, {})
    store.append([put("a"), Patch("b", category="mug")])
    assert following.look() == 4
    assert following.changed == {1: 3, 2: 4}
    assert (following.moved, following.patched) == ({1: 3}, 4)
    store.append([Remove("b"), put("c")])
    assert following.look() == 6
    assert following.moved == {1: 3, 2: 5, 3: 6}
    assert following.epoch == 1


def test_rows(store: Store, following: Following) -> None:
    """Rows are followed from the first one that is wished, and the dead are never near."""
    following.follow_lens("look", WHOLE, 0, 10)
    rows = following.rows_of("look")
    assert rows is not None
    assert (rows.first, rows.end) == (0, 2)
    store.append([put("c", 5, 5), put("a", 9, 9)])
    following.look()
    assert (rows.first, rows.end) == (0, 4)
    question = np.array([[5, 5]], np.float32)
    bound = WHOLE.least((50**0.5, 50**0.5), 6.0, rows.longest)
    places = rows.candidates(WHOLE.question(question), bound, 0)
    owners, distances = rows.within(question, places, bound, 6.0)
    # a was at (1, 2) and is not there any more.
    assert dict(zip(owners.tolist(), distances.tolist(), strict=True)) == {
        2: 5.0,
        3: 0.0,
        1: pytest.approx(32**0.5),
    }


@pytest.mark.parametrize("kernel", native.usable())
def test_candidates_of_several_questions(
    store: Store, following: Following, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together they get what each gets alone; and all live rows where sketches say nothing."""
    monkeypatch.setattr(new_rows, "_AT_ONCE", 7)
    rng = np.random.default_rng(8)
    with native.forced(kernel):
        following.follow_lens("look", WHOLE, 0, 10)
        rows = following.rows_of("look")
        assert rows is not None
        points = rng.standard_normal((30, 2)).round(2).tolist()
        store.append([put(f"n{number}", *point) for number, point in enumerate(points)])
        store.append([put("n3", 9, 9), Remove("n5")])
        following.look()
        questions = rng.standard_normal((6, 2)).astype(np.float32)
        sketches, bounds = WHOLE.question(questions), [-2.0, -1.0, -0.5, 0.0, 0.5, 50.0]
        found = rows.candidates_of_each(sketches, bounds)
        alone = [rows.candidates(sketches[n : n + 1], bounds[n], 0) for n in range(6)]
        assert found == alone
        assert len({len(each) for each in alone}) > 3
        assert alone[5] == []
        everything = rows.candidates(sketches[:1], -np.inf, 0)
        assert rows.candidates_of_each(sketches, [0.0] * 5 + [-np.inf]) == [everything] * 6
        assert rows.candidates_of_each(sketches[:1], bounds[:1]) == alone[:1]


def test_too_many_rows_are_not_gone_over(store: Store, following: Following) -> None:
    """Where much is there already, following begins with what is written from now on."""
    following.follow_lens("look", WHOLE, 0, 1)
    rows = following.rows_of("look")
    assert rows is not None
    assert rows.first == 2
    following.follow_lens("none", WHOLE, 0, 1)
    assert following.rows_of("none") is None


@pytest.mark.parametrize("way", ["merge", "relocate", "lens", "many"])
def test_epochs(
    store: Store, following: Following, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be told item by item ends an epoch; the position goes on."""
    if way == "merge":
        store.merge()
    elif way == "relocate":
        store.append([Relocate("a", "z", "z.jpg", content_hash="a")])
    elif way == "lens":
        store.add_lens(new_lenses({"other": "vectors:3"})[0])
    else:
        monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
        store.append([put(str(number)) for number in range(4)])
    position = following.look()
    with store.pin() as view:
        assert position == view.position
    assert following.epoch == 2
    assert following.changed == {}
    assert following.began == position


def test_rollback_ends_an_epoch(store: Store, following: Following) -> None:
    """Another generation is served, though nothing was written."""
    store.merge()
    store.append([put("c")])
    store.merge()
    following.look()
    epoch = following.epoch
    store.rollback(1)
    following.look()
    assert following.epoch == epoch + 1


def test_begin_earlier(store: Store, following: Following) -> None:
    """Changes since an earlier position are known on request, where the journal has them."""
    assert following.begin_at(1)
    assert (following.began, following.changed) == (1, {2: 2})
    store.append([Relocate("a", "z", "z.jpg", content_hash="a")])
    following.look()
    assert not following.begin_at(0)
    store.merge()
    following.look()
    assert not following.begin_at(0)  # the merge has cut the journal


def test_another_collection_of_the_name(store: Store, following: Following) -> None:
    """A collection that is gone, or not the one that was followed, is told from it."""
    store.close()
    store.path.rename(store.path.with_name("gone"))
    with pytest.raises(FileNotFoundError):
        following.look()
    create(store.path, new_lenses({"look": "vectors:2"})).close()
    with pytest.raises(CollectionNotFound):
        following.look()
