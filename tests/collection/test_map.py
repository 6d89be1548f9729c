"""The map that a merge makes: new items find a place, the others keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame import placing
from mitame.collection import (
    Item,
    ItemImage,
    Lens,
    Put,
    Remove,
    Store,
    create,
    map_step,
    open_store,
)
from mitame.collection.map_part import MapFacts, StoredMap, map_of, read_facts
from mitame.distances import normalise
from mitame.maps import ItemMap, item_map
from mitame.projection.trust import kept
from tests.collection.made import spec

GROUPS = 6


def vector(number: int) -> np.ndarray:
    """One of a few groups that lie apart; the same for the same number."""
    middles = np.random.default_rng(0).normal(size=(GROUPS, 12))
    noise = np.random.default_rng(number + 1).normal(0, 0.2, 12)
    return np.asarray(
        normalise((middles[number % GROUPS] + noise)[np.newaxis].astype(np.float32))[0]
    )


def put(number: int, like: int | None = None) -> Put:
    """Item ``number``, which looks as another number would where ``like`` says so."""
    image = ItemImage({"look": vector(number if like is None else like)}, content_hash=f"{number}")
    return Put(Item(str(number), f"c{number % 2}", {}, (image,)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Ninety items in six groups, merged."""
    with create(tmp_path / "shop", [Lens("look", spec(12))]) as made:
        made.append([put(number) for number in range(90)])
        made.merge()
        yield made


def stored(store: Store) -> StoredMap | None:
    """The map of the snapshot that is served."""
    with store.pin() as view:
        return view.layout("look")


def told(store: Store) -> MapFacts | None:
    """What the snapshot says of it."""
    with store.pin() as view:
        base = view.lens_rows("look").base.stored
        return None if base is None else read_facts(base.optional("map"))


def asked(store: Store, **wishes: Any) -> ItemMap:
    """The map as it is answered."""
    with store.pin() as view:
        return item_map(view, "look", **wishes)


def test_neighbours_lie_together(store: Store) -> None:
    """Every item is there; the one beside it is of its group; the facts tell the share kept."""
    found, facts = asked(store), told(store)
    assert found.method == "layout"
    assert sorted(found.ids, key=int) == [str(number) for number in range(90)]
    group = np.array([int(each) % GROUPS for each in found.ids])
    away = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    np.fill_diagonal(away, np.inf)
    assert (group[away.argmin(axis=1)] == group).mean() > 0.95
    assert facts is not None
    assert (facts.neighbors, facts.sample, facts.moved) == (15, 90, 0)
    with store.pin() as view:
        table = view.lens_rows("look").base.neighbors
    assert table is not None
    lists = table.table.lists(np.arange(90))[0][:, :15]
    laid = stored(store)
    assert laid is not None
    assert facts.kept == pytest.approx(kept(laid.places, np.arange(90), lists), abs=1e-4)


def test_a_merge_moves_only_what_is_new(store: Store) -> None:
    """Old items keep their places to the bit; a new and a changed one lie beside their likes."""
    before = stored(store)
    store.append([put(100, like=4), put(7, like=5), Remove("9")])
    store.merge()
    after, facts = stored(store), told(store)
    assert before is not None
    assert after is not None
    assert facts is not None
    assert facts.moved == 4  # 100 came, 9 went, 7 did both
    old = before.find(after.items.astype(np.int64))
    with store.pin() as view:
        names: dict[int, str] = dict(view.each("SELECT key, id FROM items"))
    stays = np.array([names[key] not in ("7", "100") for key in after.items.tolist()])
    assert np.array_equal(after.places[stays], before.places[old[stays]])
    for name, group in (("100", 4), ("7", 5)):
        place = after.places[[names[key] == name for key in after.items.tolist()]][0]
        nearest = np.linalg.norm(after.places[stays] - place, axis=1).argmin()
        assert int(names[int(after.items[stays][nearest])]) % GROUPS == group


def test_much_that_is_new_moves_all(store: Store) -> None:
    """Once a quarter has come, the layout is made of all again, from where they were."""
    before = asked(store)
    store.append([put(number) for number in range(100, 140)])
    store.merge()
    facts, after = told(store), asked(store)
    assert facts is not None
    assert facts.moved == 0
    assert len(after.ids) == 130
    place = dict(zip(after.ids, after.places, strict=True))
    moved = np.array([place[each] for each in before.ids]) - before.places
    assert np.linalg.norm(moved, axis=1).min() > 0
    assert np.median(np.linalg.norm(moved, axis=1)) < 0.25  # the picture is still the same


@pytest.mark.parametrize("searched", [1_000, 0])
def test_items_of_the_delta_lie_beside_their_likes(
    store: Store, monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    """At once, before any merge, by a search or by landmarks; the others stay; a limit too."""
    monkeypatch.setattr(placing, "MOST_SEARCHED", searched)
    before = asked(store)
    store.append([put(number) for number in range(100, 112)] + [put(7, like=5), Remove("9")])
    after = asked(store)
    assert after.method == "layout"
    was = dict(zip(before.ids, before.places.tolist(), strict=True))
    place = dict(zip(after.ids, after.places.tolist(), strict=True))
    assert set(place) == set(was) - {"9"} | {str(number) for number in range(100, 112)}
    stays = [name for name in was if name not in ("7", "9")]
    assert all(place[name] == was[name] for name in stays)
    there = np.array([was[name] for name in stays])
    for name, group in [*((str(n), n % GROUPS) for n in range(100, 112)), ("7", 5)]:
        near = np.linalg.norm(there - place[name], axis=1).argsort()[:5]
        assert sum(int(stays[each]) % GROUPS == group for each in near) >= 3, name
    few = asked(store, limit=40)
    assert len(few.ids) == 40
    assert all(place[name] == each for name, each in zip(few.ids, few.places.tolist(), strict=True))


def test_without_a_layout_items_lie_on_their_axes(store: Store) -> None:
    """Where the delta is larger than the snapshot, and where there is no table to make one from."""
    store.append([put(number) for number in range(100, 200)])
    assert asked(store).method == "principal"
    store.merge(neighbors=0)
    facts = told(store)
    assert facts is not None
    assert "no neighbour table" in facts.note
    assert asked(store).method == "principal"
    store.merge(neighbors=20)
    assert asked(store).method == "layout"


def test_a_handful_is_not_laid_out(tmp_path: Path) -> None:
    """The snapshot says so, and items lie on their axes."""
    with create(tmp_path / "shop", [Lens("look", spec(12))]) as store:
        store.append([put(number) for number in range(map_step.FEWEST - 1)])
        store.merge()
        facts = told(store)
        assert facts is not None
        assert "too few" in facts.note
        assert asked(store).method == "principal"


@pytest.mark.parametrize("name", ["places", "items", "about.json"])
def test_damage_is_done_without_and_not_copied_on(store: Store, name: str) -> None:
    """Cut off or with nonsense in it: principal axes answer, and the next merge begins anew."""
    path = next((store.path / "snapshots").glob(f"*/lens-*-map-{name}.part"))
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:64] + b"\xff" * (len(whole) - 64)):
        path.chmod(0o644)
        path.write_bytes(damaged)
        with open_store(store.path) as again:
            assert asked(again).method == "principal"
            assert again.check()
    with open_store(store.path) as again:
        again.append([put(100)])
        again.merge()
        facts = told(again)
        assert facts is not None
        assert facts.moved == 0
        assert facts.epochs > 0
        assert asked(again).method == "layout"
        again.merge(keep=1)


def test_no_snapshot_has_no_map() -> None:
    """Nothing to read is nothing, not an error."""
    assert map_of(None) is None


def test_where_nothing_lies_as_it_did(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All was put again since the merge, more than are searched for: the axes tell."""
    monkeypatch.setattr(placing, "MOST_SEARCHED", 0)
    with store.pin() as view:
        count = view.count()
    store.append([put(number) for number in range(count)])
    found = asked(store)
    assert found.method == "principal"
    assert len(found.ids) == count
