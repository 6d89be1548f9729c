"""The neighbour table of a collection: always what a search by id answers, and much quicker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.collection import (
    Attach,
    Change,
    Item,
    ItemImage,
    Lens,
    Patch,
    Put,
    Relocate,
    Remove,
    Store,
    View,
    create,
    neighbor_lists,
    neighbor_memory,
    neighbor_older,
    neighbor_step,
)
from mitame.collection.base_index import BaseIndex
from mitame.collection.derived import Derivation
from mitame.collection.neighbor_memory import NearRows
from mitame.collection.neighbor_table import TableFacts, facts_of
from mitame.distances import DISTANCES, Distance, exact, normalise
from mitame.engines.protocol import Allow, Rows
from mitame.errors import UsageError
from mitame.exchange.neighbors.listing import lists
from mitame.filters import parse
from mitame.neighbors import Neighbors
from mitame.search import Answer, similar
from tests.collection.made import spec

Entry = tuple[str, float, str | None]
K = 4


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A collection with one lens of four dimensions, nothing in it."""
    with create(tmp_path / "shop", [Lens("look", spec())]) as made:
        yield made


def put(item_id: str, *vectors: NDArray[np.float32], category: str | None = None) -> Put:
    """An item with an image per vector; an image's source tells which it is."""
    images = [
        ItemImage({"look": vector}, content_hash=f"{item_id}-{n}", source=f"/{item_id}/{n}")
        for n, vector in enumerate(vectors)
    ]
    return Put(Item(item_id, category, {}, tuple(images)))


def drawn(rng: np.random.Generator, dimension: int = 4) -> NDArray[np.float32]:
    """One of few vectors, so that many are equal or at one distance; not zero."""
    vector = rng.integers(-1, 2, dimension).astype(np.float32)
    return vector if vector.any() else np.eye(1, dimension, dtype=np.float32)[0]


def entries(answer: Answer) -> list[Entry]:
    """What is compared of an answer."""
    return [(each.id, each.distance, each.image.source) for each in answer.neighbors]


def facts(store: Store, lens: str = "look") -> TableFacts | None:
    """What the served table says of itself."""
    with store.pin() as view:
        stored = view.lens_rows(lens).base.stored
        return None if stored is None else facts_of(stored)


def known(view: View, item_id: str, limit: int) -> bool:
    """Whether the table answers."""
    (found,) = view.listed("look", [view.keys([item_id])[item_id]], limit)
    return found is not None


def same_as_search(view: View, limits: tuple[int, ...] = (1, 2, K, K + 3)) -> int:
    """Every item's answer by the table and by a search are one; returns how many it knew."""
    by_table = 0
    for item in view.items():
        for limit in limits:
            for where in (None, parse("category=x")):
                asked = {"limit": limit, "where": where}
                found = similar(view, item.id, **asked)  # type: ignore[arg-type]  # two keywords
                searched = similar(view, item.id, effort=1.0, **asked)  # type: ignore[arg-type]  # as above
                assert entries(found) == entries(searched), (item.id, limit, where)
                assert (found.complete, found.reason) == (searched.complete, searched.reason)
            by_table += known(view, item.id, limit)
    return by_table


def test_table_answers_every_item_after_a_merge(store: Store) -> None:
    """Each item's list as a search gives it, up to k; more than k is searched."""
    rng = np.random.default_rng(1)
    store.append([put(f"i{n}", drawn(rng), category="xy"[n % 2]) for n in range(30)])
    assert facts(store) is None
    store.merge(neighbors=K)
    with store.pin() as view:
        assert same_as_search(view) == 3 * 30
        assert known(view, "i3", K)
        assert not known(view, "i3", K + 1)
    made = facts(store)
    assert made is not None
    assert (made.k, made.exact, made.recall, made.renewed) == (K, True, 1.0, 30)


def test_items_with_several_images_are_listed_once(store: Store) -> None:
    """By their nearest image to any of the item's; an item never lists itself."""
    rng = np.random.default_rng(2)
    store.append(
        [
            put(f"i{n}", *(drawn(rng) for _ in range(1 + n % 4)), category="xy"[n % 2])
            for n in range(25)
        ]
    )
    store.merge(neighbors=K)
    with store.pin() as view:
        assert same_as_search(view) == 3 * 25


def test_a_collection_smaller_than_k_knows_all_lists(store: Store) -> None:
    """Fewer neighbours than asked for, with the reason that a search gives."""
    rng = np.random.default_rng(3)
    store.append([put(f"i{n}", drawn(rng), category="x") for n in range(3)])
    store.merge()
    with store.pin() as view:
        assert same_as_search(view) == 4 * 3
        assert facts(store) == TableFacts(100, renewed=3, seconds=facts_seconds(store))
    store.append([Remove("i0"), put("new", drawn(rng), category="x")])
    with store.pin() as view:
        same_as_search(view)
        assert known(view, "i1", 50)


def facts_seconds(store: Store) -> float:
    """How long the table took, which differs each time."""
    made = facts(store)
    assert made is not None
    return made.seconds


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, int]]:
    """What happens to a collection, one after another."""
    names = ["put", "put", "put", "remove", "patch", "relocate", "attach", "merge", "half"]
    return draw(
        st.lists(st.tuples(st.sampled_from(names), st.integers(0, 10**6)), min_size=1, max_size=14)
    )


def change(kind: str, seed: int, there: list[str], new: str) -> Change | None:
    """One change that fits what is there; None where there is none. `new` is an id for a rename."""
    rng = np.random.default_rng(seed)
    item_id = f"i{seed % 12}"
    if kind == "put":
        vectors = [drawn(rng) for _ in range(1 + int(rng.integers(3)))]
        return put(item_id, *vectors, category="xy"[seed % 2])
    if not there:
        return None
    item_id = there[seed % len(there)]
    if kind == "remove":
        return Remove(item_id)
    if kind == "patch":
        return Patch(item_id, category="xy"[seed % 2])
    if kind == "attach":
        return Attach(item_id, None, {"look": drawn(rng)})
    return Relocate(item_id, new if seed % 3 else item_id, f"/moved/{seed}")


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories(), distance=st.sampled_from(DISTANCES))
def test_the_table_is_right_after_any_story(
    folder: Path, story: list[tuple[str, int]], distance: Distance
) -> None:
    """Adds, replacements, removals, renames, new vectors and merges: always a search's answer."""
    name = f"s{len(list(folder.iterdir()))}"
    with create(folder / name, [Lens("look", spec(4, distance))]) as store:
        rng = np.random.default_rng(len(story))
        store.append([put(f"i{n}", drawn(rng), drawn(rng)) for n in range(5)])
        store.append([put(f"i{n}", drawn(rng)) for n in range(5, 10)])
        store.merge(neighbors=K)
        for number, (kind, seed) in enumerate(story):
            if kind in ("merge", "half"):
                store.merge(dtype="float16" if kind == "half" else "float32")
                continue
            with store.pin() as view:
                there = [item.id for item in view.items()]
                several = [i for i in there if len(view.vectors(i, "look")) > 1]
                for item_id in there:  # what is remembered of earlier moments must stay right
                    similar(view, item_id, limit=K)
            if kind in ("attach", "relocate"):
                there = [i for i in there if i not in several]  # without a hash, one image is meant
            if (made := change(kind, seed, there, f"m{number}")) is not None:
                store.append([made])
        with store.pin() as view:
            same_as_search(view, (1, K))


def test_a_merge_takes_over_what_still_holds(store: Store) -> None:
    """Few lists are made anew after few changes, and all are right."""
    rng = np.random.default_rng(5)
    vectors = normalise(rng.normal(size=(300, 4)).astype(np.float32))
    store.append([put(f"i{n:03}", vector) for n, vector in enumerate(vectors)])
    store.merge(neighbors=K)
    store.append([Remove("i000"), put("i001", drawn(rng)), put("new", drawn(rng))])
    store.append([Relocate("i002", "other", "/other")])
    store.merge()
    made = facts(store)
    assert made is not None
    assert made.k == K
    assert 2 <= made.renewed < 60
    with store.pin() as view:
        assert same_as_search(view) == 3 * 300


def test_wanted_number_stays_until_another_is_said(store: Store) -> None:
    """0 switches the table off for the merges that follow; a new number makes a new snapshot."""
    rng = np.random.default_rng(6)
    store.append([put(f"i{n}", drawn(rng)) for n in range(9)])
    assert store.merge(neighbors=0) == 1
    assert facts(store) == TableFacts(0)
    store.append([put("j", drawn(rng))])
    assert store.merge() == 2
    assert facts(store) == TableFacts(0)
    with store.pin() as view:
        assert not known(view, "i1", 1)
        same_as_search(view)
    assert store.merge(neighbors=0) is None
    assert store.merge(neighbors=3) == 3
    store.append([put("k", drawn(rng))])
    store.merge()
    found = facts(store)
    assert found is not None
    assert found.k == 3
    with pytest.raises(UsageError, match="can't have -1"):
        store.merge(neighbors=-1)


def part_of(store: Store, name: str) -> Path:
    """The file of a part of the served table."""
    (file,) = sorted(store.path.glob(f"snapshots/*/lens-1-neighbors-{name}.part"))
    return file


def flip(file: Path, place: int) -> None:
    """Turn a byte over."""
    data = bytearray(file.read_bytes())
    data[place] ^= 0xFF
    file.unlink()  # others may have it mapped
    file.write_bytes(data)


DAMAGE: dict[str, Callable[[Store], None]] = {
    "rows out of range": lambda store: flip(part_of(store, "lists"), 64 + 2),
    "distances in no order": lambda store: flip(part_of(store, "lists"), 64 + 8 * K - 1),
    "items of others": lambda store: flip(part_of(store, "items"), 64),
    "no description": lambda store: flip(part_of(store, "about.json"), 70),
    "header": lambda store: flip(part_of(store, "lists"), 3),
    "missing": lambda store: part_of(store, "lists").unlink(),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_table_is_done_without(tmp_path: Path, kind: str) -> None:
    """Answers stay those of a search; verify tells of it; the next merge makes a whole one."""
    rng = np.random.default_rng(7)
    with create(tmp_path / "shop", [Lens("look", spec())]) as store:
        store.append([put(f"i{n}", drawn(rng)) for n in range(20)])
        store.merge(neighbors=K)
        DAMAGE[kind](store)
    from mitame.collection import open_store

    with open_store(tmp_path / "shop") as store:
        with store.pin() as view:
            same_as_search(view)
        assert store.check()
        store.append([put("new", drawn(rng))])
        store.merge(neighbors=K, keep=1)
        with store.pin() as view:
            assert same_as_search(view) == 3 * 21
        assert not store.check()


def test_many_changes_of_a_small_collection_are_searched(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing bounds what may enter a list, a search is quicker than looking at all."""
    monkeypatch.setattr(neighbor_lists, "_MOST_FREE", 8)
    rng = np.random.default_rng(11)
    store.append([put(f"i{n}", drawn(rng)) for n in range(K)])
    store.merge(neighbors=K)
    store.append([put(f"n{n}", drawn(rng)) for n in range(8)])
    with store.pin() as view:
        assert known(view, "i1", 2)
        same_as_search(view)
    store.append([put("n8", drawn(rng))])
    with store.pin() as view:
        assert not known(view, "i1", 2)
        same_as_search(view)


def test_what_is_near_is_remembered_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The furthest that anybody has looked stays; the items asked for longest ago go."""
    monkeypatch.setattr(neighbor_memory, "MOST_ITEMS", 2)
    memory = NearRows()
    assert memory.of(1, 50)[0] == 0
    memory.keep(1, 50, 10, np.array([3]))
    memory.keep(1, 50, 7, np.array([], np.int64))
    seen, near = memory.of(1, 50)
    assert (seen, near.tolist()) == (10, [3])
    memory.keep(2, 50, 10, np.array([4]))
    memory.of(1, 50)
    memory.keep(3, 50, 10, np.array([5]))
    assert [memory.of(item, 50)[0] for item in (1, 2, 3)] == [10, 0, 10]


class Forgetful:
    """An index that never finds some rows, as an approximate one may."""

    def __init__(self, vectors: Rows, distance: Distance) -> None:
        from mitame.collection.composite import exact_index

        self._exact = exact_index(vectors, distance)

    @property
    def rows(self) -> int:
        return self._exact.rows

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        seen = np.arange(self.rows) % 10 != 3
        return self._exact.search(queries, k, allow=seen if allow is None else seen & allow)


def test_above_a_size_the_index_finds_the_lists(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their distances are exact, their recall is measured and told, and answers say so."""

    def built(derivation: Derivation) -> BaseIndex:
        vectors = derivation.vectors().view(np.float32)
        index = Forgetful(vectors, "cosine")
        return BaseIndex(index, index)

    monkeypatch.setattr(neighbor_step, "built_index", built)
    monkeypatch.setattr(neighbor_step, "EXACT_UP_TO", 50)
    monkeypatch.setattr(neighbor_older, "EXACT_UP_TO", 50)
    rng = np.random.default_rng(8)
    vectors = normalise(rng.normal(size=(200, 4)).astype(np.float32))
    store.append([put(f"i{n}", vector) for n, vector in enumerate(vectors)])
    store.merge(neighbors=K)
    made = facts(store)
    assert made is not None
    assert not made.exact
    assert 0.7 < made.recall < 1
    assert made.sample == 100
    with store.pin() as view:
        found = similar(view, "i3", limit=K)
        assert not found.exact
        assert "i13" not in [each.id for each in found.neighbors]
        own = view.vectors("i3", "look")[0]
        for each in found.neighbors:
            assert each.distance == exact(own, view.vectors(each.id, "look"), "cosine")[0]
        sure = similar(view, "i3", limit=K, exact=True)
        assert entries(sure) == entries(similar(view, "i3", limit=K, effort=1.0))
        assert sure.exact
    store.append([put(f"j{n}", drawn(rng)) for n in range(3)])
    store.merge()
    later = facts(store)
    assert later is not None
    assert not later.exact
    assert later.renewed < 60
    monkeypatch.setattr(neighbor_step, "EXACT_UP_TO", 1_000)
    monkeypatch.setattr(neighbor_older, "EXACT_UP_TO", 1_000)
    store.append([put("j9", drawn(rng))])
    store.merge()
    whole = facts(store)
    assert whole is not None
    assert (whole.exact, whole.renewed) == (True, 204)


def test_without_an_index_a_large_collection_has_no_table(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merge says why, and makes one where it is asked for by number."""
    monkeypatch.setattr(neighbor_step, "EXACT_UP_TO", 10)
    rng = np.random.default_rng(9)
    store.append([put(f"i{n}", drawn(rng)) for n in range(20)])
    store.merge()
    made = facts(store)
    assert made is not None
    assert "too many" in made.note
    with store.pin() as view:
        same_as_search(view)
    assert store.merge(neighbors=made.k) is not None  # although nothing has changed
    found = facts(store)
    assert found is not None
    assert (found.k, found.note) == (made.k, "")
    store.append([put("j", drawn(rng))])
    store.merge(neighbors=K)
    found = facts(store)
    assert found is not None
    assert (found.note, found.exact) == ("", True)


def true_lists(
    ids: list[str], vectors: NDArray[np.float32], limit: int
) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """The truth by float64 products and then exact distances, for unit vectors."""
    wide = vectors.astype(np.float64)
    names = np.array(ids)
    for start in range(0, len(ids), 500):
        products = wide[start : start + 500] @ wide.T
        products[np.arange(len(products)), np.arange(start, start + len(products))] = -np.inf
        near = np.argpartition(products, -limit - 5, axis=1)[:, -limit - 5 :]
        for q, rows in enumerate(near, start):
            away = exact(vectors[q], vectors[rows], "cosine")
            order = np.lexsort((names[rows], away))[:limit]
            pairs = zip(names[rows][order].tolist(), away[order].tolist(), strict=True)
            yield ids[q], list(pairs)


def test_twenty_thousand_items_after_three_thousand_changes_without_a_merge(
    tmp_path: Path,
) -> None:
    """Every list of 21,500 items is the exact one, of old, new and replaced items alike."""
    rng, dimension, limit = np.random.default_rng(10), 64, 10
    with create(tmp_path / "shop", [Lens("look", spec(dimension))]) as store:

        def write(ids: list[str]) -> None:
            made = rng.normal(size=(len(ids), dimension)).astype(np.float32)
            store.append([put(i, vector) for i, vector in zip(ids, made, strict=True)])

        for start in range(0, 20_000, 5_000):
            write([f"i{n}" for n in range(start, start + 5_000)])
        store.merge(neighbors=20)
        write([f"n{n}" for n in range(2_000)])
        write([f"i{n}" for n in range(0, 1_000, 2)])
        store.append([Remove(f"i{n}") for n in range(10_000, 10_500)])
        with store.pin() as view:
            found = {each.id: each for each in lists(view, "look", limit)}
            ids = sorted(found)
            vectors = np.concatenate([view.vectors(each, "look") for each in ids])
    assert len(found) == 21_500
    for item_id, wanted in true_lists(ids, vectors, limit):
        listed = [(each.id, each.distance) for each in found[item_id].neighbors]
        assert listed == wanted, item_id
    searched = sum(each.searched for each in found.values())
    assert 2_500 <= searched < 2_700  # new and replaced ones, and few that ran short
