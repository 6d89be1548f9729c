"""A merge after few changes goes on with the older index, and builds anew where it must not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.collection import (
    Choice,
    Item,
    ItemImage,
    Put,
    Remove,
    Store,
    create,
    index_status,
)
from mitame.collection.base_index import IndexFacts
from mitame.distances import DISTANCES, Distance
from mitame.engines.extending import check_kept
from mitame.engines.protocol import Abilities, Kept, Parts, Rows
from mitame.errors import CorruptCollection, UsageError
from mitame.neighbors import Neighbors
from mitame.search import Query, search
from tests.coarse import CoarseEngine, CoarseIndex, use_engines
from tests.collection.made import LOOK, noise

COUNT = 200
CHOICE = Choice("coarse", {"axis": 1}, 0.5, recall=0.5, k=5, why="because")


@dataclass(frozen=True)
class Extending(CoarseEngine):
    """Sorts the older rows' keys into the new ones', and writes down what it was given."""

    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset(DISTANCES), extends=True)
    )
    calls: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    error: BaseException | None = None

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> CoarseIndex:
        self.calls.append("build")
        return super().build(vectors, distance, **settings)

    def extend(
        self, vectors: Rows, distance: Distance, parts: Parts, kept: Kept, **settings: Any
    ) -> CoarseIndex:
        self.calls.append("extend")
        self.kept.append(kept)
        if self.error is not None:
            raise self.error
        came, axis = check_kept(kept, len(vectors)), int(settings["axis"])
        stayed = kept[parts["order"]] >= 0
        order = np.concatenate([kept[parts["order"]][stayed], came]).astype(np.int32)
        keys = np.concatenate([parts["keys"][stayed], vectors[came, axis]]).astype(np.float32)
        by_key = np.argsort(keys, kind="stable")
        return CoarseIndex(vectors, distance, axis, order[by_key], keys[by_key])


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Extending:
    made = Extending()
    use_engines(monkeypatch, made)
    return made


@pytest.fixture
def shop(tmp_path: Path, engine: Extending) -> Iterator[Store]:
    with create(tmp_path / "shop", [LOOK]) as store:
        store.append([_put(n) for n in range(COUNT)])
        store.choose("look", CHOICE)
        store.merge()
        engine.calls.clear()
        yield store


def _put(n: int, seed: int | None = None) -> Put:
    vector = noise(n if seed is None else seed)
    return Put(Item(f"i{n}", None, {}, (ItemImage({"look": vector}),)))


def _facts(store: Store) -> IndexFacts:
    with store.pin() as view:
        facts = index_status(view, "look").facts
    assert facts is not None
    return facts


def _check_answers(store: Store, seeds: range) -> None:
    """At full effort the answers are those of an exact search; none is of an item that is gone."""
    with store.pin() as view:
        for seed in seeds:
            asked = noise(seed)[np.newaxis]
            found, true = (
                search(view, Query("look", asked, 10, effort=1.0, exact=exact))
                for exact in (False, True)
            )
            assert [each.id for each in found.neighbors] == [each.id for each in true.neighbors]


def _vectors(store: Store) -> Rows:
    with store.pin() as view:
        stored = view.served.snapshot
        assert stored is not None
        (lens,) = stored.lenses.values()
        return np.array(lens.vectors, np.float32)


def test_few_changes_extend_the_index(shop: Store, engine: Extending) -> None:
    """Removed, replaced and new items: the older rows keep their vectors under new numbers."""
    older = _vectors(shop)
    shop.append([Remove(f"i{n}") for n in range(0, 20, 2)])
    shop.append([_put(n, seed=7_000 + n) for n in range(1, 20, 2)])
    shop.append([_put(COUNT + n) for n in range(15)])
    shop.merge()
    assert engine.calls == ["extend"]
    (kept,) = engine.kept
    newer = _vectors(shop)
    assert kept.dtype == np.int64
    assert np.count_nonzero(kept < 0) == 20
    np.testing.assert_array_equal(newer[kept[kept >= 0]], older[kept >= 0])
    facts = _facts(shop)
    assert (facts.extended, facts.rows) == (25, COUNT + 5)  # 25 came, 20 of them for what went
    assert facts.recall >= 0.5
    _check_answers(shop, range(COUNT, COUNT + 20))
    assert shop.check() == []


def test_what_is_served_is_what_was_extended(shop: Store, engine: Extending) -> None:
    """At less than full effort, too, it finds items that have just come."""
    shop.append([_put(COUNT + n) for n in range(20)])
    shop.merge()
    assert engine.calls == ["extend"]
    with shop.pin() as view:
        for n in range(COUNT, COUNT + 20):
            answer = search(view, Query("look", noise(n)[np.newaxis], 1))
            assert [each.id for each in answer.neighbors] == [f"i{n}"]


def test_a_quarter_is_the_most(shop: Store, engine: Extending) -> None:
    """Of the rows that there are then; one more, and the index is built anew."""
    shop.append([_put(COUNT + n) for n in range(66)])
    shop.merge()
    assert engine.calls == ["extend"]
    shop.merge(rebuild=True)
    engine.calls.clear()
    shop.append([_put(1_000 + n) for n in range(89)])
    shop.merge()
    assert engine.calls == ["build"]
    assert _facts(shop).extended == 0


def test_removed_rows_count_too(shop: Store, engine: Extending) -> None:
    """An index most of whose rows are gone is not gone on with."""
    shop.append([Remove(f"i{n}") for n in range(60)])
    shop.merge()
    assert engine.calls == ["build"]


def test_many_small_merges_come_to_a_quarter_as_well(shop: Store, engine: Extending) -> None:
    """What came since the index was built anew adds up; then it is built, and counting begins."""
    extended = []
    for n in range(4):
        shop.append([_put(1_000 + 30 * n + m) for m in range(30)])
        shop.merge()
        extended.append(_facts(shop).extended)
    assert engine.calls == ["extend", "extend", "build", "extend"]
    assert extended == [30, 60, 0, 30]
    _check_answers(shop, range(1_000, 1_010))


def test_merges_that_build_anew(shop: Store, engine: Extending) -> None:
    """Asked for; another setting; vectors of half the size, and back."""
    shop.merge(rebuild=True)
    shop.choose("look", Choice("coarse", {"axis": 0}, 0.5, recall=0.5, k=5))
    shop.merge()
    assert engine.calls == ["build", "build"]
    shop.merge(dtype="float16", rebuild=True)
    shop.append([_put(900)])
    engine.calls.clear()
    shop.merge()
    assert engine.calls == ["build"]


def test_another_wish_with_the_same_settings_extends(shop: Store, engine: Extending) -> None:
    """Recall, effort and the reason are no matter of the build."""
    shop.choose("look", Choice("coarse", {"axis": 1}, 0.8, recall=0.6, k=3, why="tuned again"))
    shop.append([_put(900)])
    shop.merge()
    assert engine.calls == ["extend"]
    assert _facts(shop).wanted.recall == 0.6


def test_an_engine_that_does_not_extend(shop: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never asked to."""
    other = Extending(abilities=CoarseEngine().abilities)
    use_engines(monkeypatch, other)
    shop.append([_put(900)])
    shop.merge()
    assert other.calls == ["build"]


@pytest.mark.parametrize("part", ["about.json", "order", "keys"])
def test_a_damaged_index_is_not_gone_on_with(shop: Store, engine: Extending, part: str) -> None:
    """Checksums are compared first: damage is mended by building anew, and not copied on."""
    (file,) = (shop.path / "snapshots").glob(f"*/lens-1-index-{part}.part")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()
    file.write_bytes(content)
    shop.append([_put(900)])
    shop.merge(keep=1)
    assert engine.calls == ["build"]
    assert shop.check() == []
    _check_answers(shop, range(10))


@pytest.mark.parametrize(
    "error", [CorruptCollection("parts of another"), UsageError("no"), MemoryError()]
)
def test_an_engine_that_can_not_after_all(
    shop: Store, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """It says so by an error, and the index is built anew."""
    failing = Extending(error=error)
    use_engines(monkeypatch, failing)
    shop.append([_put(900)])
    shop.merge()
    assert failing.calls == ["extend", "build"]
    facts = _facts(shop)
    assert (facts.problem, facts.extended) == (None, 0)


class _Forgetful(CoarseIndex):
    """Finds nothing but the last rows."""

    def search(self, queries: Rows, k: int, **more: Any) -> Neighbors:
        near = np.arange(self.rows - k, self.rows)
        ids = np.repeat(near[np.newaxis], len(queries), axis=0)
        return Neighbors(ids, np.ones(ids.shape, np.float32))


@pytest.mark.parametrize("kind", [_Forgetful, CoarseIndex])
def test_an_index_that_has_become_bad(
    shop: Store, monkeypatch: pytest.MonkeyPatch, kind: type[CoarseIndex]
) -> None:
    """Where extending costs recall that was wished for, or much effort, it is built anew."""

    class Worse(Extending):
        def extend(self, vectors: Rows, *given: Any, **settings: Any) -> CoarseIndex:
            made = super().extend(vectors, *given, **settings)
            parts = made.save()
            order = parts["order"] if kind is _Forgetful else np.roll(parts["order"], 100)
            return kind(vectors, "cosine", 1, order, parts["keys"])

    worse = Worse()
    use_engines(monkeypatch, worse)
    shop.append([_put(900)])
    shop.merge()
    assert worse.calls == ["extend", "build"]
    assert _facts(shop).recall >= 0.5


def test_a_merge_that_was_killed_keeps_what_it_extended(
    shop: Store, engine: Extending, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time there is nothing left to do."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    shop.append([_put(900)])
    with monkeypatch.context() as inner:
        inner.setattr("mitame.collection.snapshot.SnapshotBuilder.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            shop.merge()
    shop.merge()
    assert engine.calls == ["extend"]
    assert _facts(shop).extended == 1


def test_after_going_back(shop: Store, engine: Extending) -> None:
    """The index that is gone on with is that of the generation that is served."""
    shop.append([_put(900)])
    shop.merge()
    shop.rollback(1)
    shop.append([_put(901), Remove("i3")])
    shop.merge()
    assert engine.calls == ["extend", "extend"]
    assert _facts(shop).extended == 2
    _check_answers(shop, range(895, 905))


@pytest.mark.parametrize(
    "wrong",
    [
        np.array([0, 1, 5]),
        np.array([0, -2]),
        np.array([1, 0]),
        np.array([1, 1]),
        np.array([[0, 1]]),
        np.array([0.0, 1.0]),
    ],
)
def test_numbers_that_can_not_be(wrong: Kept) -> None:
    """Out of range, out of order, twice, of another shape or type."""
    with pytest.raises(UsageError, match="kept"):
        check_kept(wrong, 5)


def test_numbers_of_what_came() -> None:
    """All that no older row became."""
    assert check_kept(np.array([0, -1, 2]), 5).tolist() == [1, 3, 4]
    assert check_kept(np.empty(0, np.int64), 2).tolist() == [0, 1]
    assert check_kept(np.array([-1, -1]), 0).tolist() == []
