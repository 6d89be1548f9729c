"""The index that a merge builds: chosen, measured, served, and done without where it fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.collection import (
    Choice,
    Item,
    ItemImage,
    Put,
    Remove,
    Store,
    create,
    index_status,
    open_store,
    restore,
)
from mitame.collection.indexing import usual
from mitame.engines.protocol import Index, Parts, Rows
from mitame.errors import CorruptCollection, UnknownLens, UsageError
from mitame.filters import parse
from mitame.search import Query, search, similar
from tests.coarse import CoarseEngine, CoarseIndex, use_engines
from tests.collection.made import COLOR, LOOK, noise

COUNT = 400
CHOICE = Choice("coarse", {"axis": 1}, 0.5, recall=0.5, k=5, why="because")


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    use_engines(monkeypatch, CoarseEngine())


def _put(n: int, seed: int | None = None, category: str | None = None) -> Put:
    vector = noise(n if seed is None else seed)
    return Put(Item(f"i{n}", category, {}, (ItemImage({"look": vector}),)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 items, merged with the choice for the lens ``look``; not to be changed."""
    path = tmp_path_factory.mktemp("index") / "shop"
    with pytest.MonkeyPatch.context() as patch, create(path, [LOOK, COLOR]) as store:
        use_engines(patch, CoarseEngine())
        store.append([_put(n, category="even" if n % 2 == 0 else "odd") for n in range(COUNT)])
        store.choose("look", CHOICE)
        store.merge()
    return path


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Iterator[Store]:
    """The same, to be changed."""
    shutil.copytree(made, tmp_path / "shop")
    with open_store(tmp_path / "shop") as store:
        yield store


def _answer(store: Store, query: NDArray[np.float32], **asked: object) -> list[str]:
    with store.pin() as view:
        made = Query("look", query[np.newaxis], 10, **asked)  # type: ignore[arg-type]  # any field
        return [each.id for each in search(view, made).neighbors]


def test_the_chosen_engine_serves(shop: Store) -> None:
    """Its settings, its effort and its measured recall are with the snapshot."""
    with shop.pin() as view:
        status = index_status(view, "look")
        assert (status.engine, status.exact, status.note, status.pending) == (
            "coarse",
            False,
            None,
            None,
        )
        facts = status.facts
        assert facts is not None
        assert facts.wanted == CHOICE
        assert facts.chosen
        assert 0.5 <= facts.recall < 1
        assert (facts.sample, facts.rows) == (200, COUNT)
        assert facts.memory == COUNT * 8
        answer = search(view, Query("look", noise(7)[np.newaxis], 5))
        assert not answer.exact
        assert index_status(view, "color").engine == "exact"


def test_the_same_rows_are_asked_each_time(shop: Store) -> None:
    """A merge of the same rows measures the same recall."""
    with shop.pin() as view:
        before = view.base_index("look").facts
    shop.merge(rebuild=True)
    with shop.pin() as view:
        after = view.base_index("look").facts
    assert before is not None
    assert after is not None
    assert (before.recall, before.effort) == (after.recall, after.effort)


def test_exact_and_effort_are_arguments_of_a_search(shop: Store) -> None:
    """Effort 1 and exact give the truth; what is usual here misses something of it."""
    queries = [noise(1_000 + n) for n in range(20)]
    exact = [_answer(shop, query, exact=True) for query in queries]
    assert [_answer(shop, query, effort=1.0) for query in queries] == exact
    assert [_answer(shop, query, effort=0.0) for query in queries] != exact
    with shop.pin() as view:
        assert search(view, Query("look", queries[:1][0][np.newaxis], exact=True)).exact
    for wrong in (-0.1, 1.1, float("nan"), True):
        with pytest.raises(UsageError, match="effort"):
            _answer(shop, queries[0], effort=wrong)


def test_items_that_came_and_went_since(shop: Store) -> None:
    """At full effort the answers are those of an exact search, over what is live now."""
    shop.append([Remove(f"i{n}") for n in range(0, 60, 3)])
    shop.append([_put(n, seed=5_000 + n) for n in range(1, 60, 3)])
    shop.append([_put(COUNT + n) for n in range(30)])
    gone = {f"i{n}" for n in range(0, 60, 3)}
    for n in range(25):
        query = noise(n)
        exact = _answer(shop, query, exact=True)
        assert len(exact) == 10
        assert not gone & set(exact)
        assert _answer(shop, query, effort=1.0) == exact
        usual = _answer(shop, query)
        assert len(usual) == 10
        assert not gone & set(usual)
        where = parse("category=odd")
        assert _answer(shop, query, effort=1.0, where=where) == _answer(
            shop, query, exact=True, where=where
        )


def test_neighbours_of_an_item_leave_it_out(shop: Store) -> None:
    """As many as were asked for come, without a mask as long as the index."""
    with shop.pin() as view:
        answer = similar(view, "i3", lens="look", limit=10, effort=1.0)
        assert len(answer.neighbors) == 10
        assert "i3" not in [each.id for each in answer.neighbors]
        exact = similar(view, "i3", lens="look", limit=10, exact=True)
        assert [each.id for each in exact.neighbors] == [each.id for each in answer.neighbors]


def test_a_choice_waits_for_the_next_merge(shop: Store) -> None:
    """It is durable, makes a merge due, and is told until it serves."""
    other = Choice("coarse", {"axis": 0}, 0.5, recall=0.5, k=5, why="another")
    shop.choose("look", other)
    with shop.pin() as view:
        assert index_status(view, "look").pending == other
        assert index_status(view, "look").engine == "coarse"
    path = shop.path
    shop.close()
    with open_store(path) as again:
        assert again.merge() == 2
        with again.pin() as view:
            status = index_status(view, "look")
            assert status.pending is None
            assert status.facts is not None
            assert status.facts.wanted == other
        again.choose("look", None)
        again.merge()
        with again.pin() as view:
            status = index_status(view, "look")
            assert (status.engine, status.facts, status.exact) == ("exact", None, True)
        with pytest.raises(UnknownLens):
            again.choose("nose", other)


def test_exact_search_is_a_choice(shop: Store) -> None:
    """It needs no parts; nothing is pending once it serves."""
    shop.choose("look", Choice("exact", why="few"))
    shop.merge()
    with shop.pin() as view:
        status = index_status(view, "look")
        assert (status.engine, status.facts, status.pending) == ("exact", None, None)


def test_a_choice_goes_with_its_lens(shop: Store) -> None:
    """Names change, the choice stays with the vectors; a dropped lens takes its choice along."""
    shop.swap_lenses("look", "color")
    with shop.pin() as view:
        assert view.stored["color"].choice == CHOICE
        assert view.stored["look"].choice is None
    shop.drop_lens("color")
    with shop.pin() as view:
        assert view.select("SELECT count(*) FROM choices")[0][0] == 0


def test_what_is_usual_without_a_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are searched exactly, many by the usual engine, if this mitame has it."""
    assert usual(10**6, 128, "cosine") is None  # it is not in this catalogue
    monkeypatch.setattr("mitame.collection.indexing.USUAL_ENGINE", "coarse")
    monkeypatch.setattr("mitame.collection.indexing.SCANNED_FLOATS", 1_000)
    assert usual(250, 4, "cosine") is None
    with create(tmp_path / "shop", [LOOK, COLOR]) as store:
        store.append([_put(n) for n in range(251)])
        store.merge()
        with store.pin() as view:
            status = index_status(view, "look")
            assert status.engine == "coarse"
            assert status.facts is not None
            assert not status.facts.chosen
            assert "tune" in status.facts.wanted.why


def test_the_effort_follows_what_is_wished(shop: Store) -> None:
    """Where the chosen effort has become too little, the merge takes the least that does it."""
    shop.choose("look", Choice("coarse", {"axis": 1}, 0.01, recall=0.99, k=5))
    shop.merge()
    with shop.pin() as view:
        facts = view.base_index("look").facts
    assert facts is not None
    assert facts.recall >= 0.99
    assert facts.effort is not None
    assert facts.effort > 0.3


def _problem(store: Store) -> str:
    with store.pin() as view:
        status = index_status(view, "look")
        assert status.exact
        assert status.engine == "exact"
        answer = search(view, Query("look", noise(3)[np.newaxis], 5))
        assert answer.exact
        assert answer.neighbors[0].id == "i3"
        assert status.note is not None
        return status.note


@pytest.mark.parametrize("engine", ["unknown", "coarse"])
def test_an_engine_that_is_not_there_at_the_merge(
    shop: Store, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """Unknown, or its library missing: the snapshot is made, and says why it has no index."""
    use_engines(monkeypatch, CoarseEngine(is_missing=True))
    shop.choose("look", Choice(engine, why="it was quick"))
    assert shop.merge() == 2
    assert f"{engine} was wanted, but" in _problem(shop)
    assert shop.check() == []


@pytest.mark.parametrize("engines", [[CoarseEngine(is_missing=True)], []])
def test_an_engine_that_is_not_there_when_opened(
    shop: Store, monkeypatch: pytest.MonkeyPatch, engines: Sequence[CoarseEngine]
) -> None:
    """Another machine, without the library: it is searched exactly, and says what to install."""
    path = shop.path
    shop.close()
    use_engines(monkeypatch, *engines)
    with open_store(path) as store:
        assert "mitame[coarse]" in _problem(store) or "no engine" in _problem(store)


def test_settings_that_the_engine_does_not_have(shop: Store) -> None:
    """A later version may have dropped one."""
    shop.choose("look", Choice("coarse", {"color": 3}))
    shop.merge()
    assert "no setting 'color'" in _problem(shop)


def test_vectors_of_half_the_size(shop: Store) -> None:
    """Engines index float32 only; that is told."""
    shop.merge(dtype="float16", rebuild=True)
    assert "float16" in _problem(shop)


def _index_files(store: Store) -> list[Path]:
    return sorted((store.path / "snapshots").glob("*/lens-1-index-*.part"))


@pytest.mark.parametrize("name", ["about.json", "order", "axis"])
@pytest.mark.parametrize("how", ["gone", "short", "flipped"])
def test_a_damaged_part(shop: Store, tmp_path: Path, name: str, how: str) -> None:
    """Answers stay right, verify tells it, the next merge mends it, and a backup comes back."""
    path = shop.path
    (part,) = [each for each in _index_files(shop) if each.name.endswith(f"index-{name}.part")]
    shop.backup(tmp_path / "backup")
    shop.close()
    copy = tmp_path / "backup" / part.relative_to(path)
    for file in (part, copy):
        content = file.read_bytes()
        file.unlink()
        if how != "gone":
            flipped = bytes(byte ^ 0x55 for byte in content[64:])
            file.write_bytes(content[:-1] if how == "short" else content[:64] + flipped)
    with open_store(path) as store:
        exact = _answer(store, noise(5), exact=True)
        found = _answer(store, noise(5), effort=0.3)
        assert len(found) == len(exact) == 10
        if how != "flipped" or name != "order":
            assert found == exact
        assert any(part.name in text for text in store.check())
        assert store.check(optional=False) == []
        store.merge(rebuild=True, keep=1)
        with store.pin() as view:
            assert index_status(view, "look").engine == "coarse"
        assert store.check() == []
    restore(tmp_path / "backup", tmp_path / "again")
    with open_store(tmp_path / "again") as store:
        assert _answer(store, noise(5), exact=True) == exact


def test_damage_that_a_search_meets(shop: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on exactly, and the note is there from then on."""

    def fail(self: CoarseIndex, *_: object, **__: object) -> None:
        raise CorruptCollection("a row is out of range")

    monkeypatch.setattr(CoarseIndex, "search", fail)
    with shop.pin() as view:
        answer = search(view, Query("look", noise(3)[np.newaxis], 5))
        assert answer.exact
        assert answer.neighbors[0].id == "i3"
        assert index_status(view, "look").note == "a row is out of range"


class _Greedy(CoarseEngine):
    def build(self, vectors: Rows, distance: object, **settings: object) -> CoarseIndex:
        raise MemoryError


class _Strange(CoarseEngine):
    def open(self, vectors: Rows, distance: object, parts: Parts) -> CoarseIndex:
        raise IndexError("list index out of range")


@pytest.mark.parametrize("engine", [_Greedy(), _Strange()])
def test_an_engine_that_fails_in_other_ways(
    shop: Store, monkeypatch: pytest.MonkeyPatch, engine: CoarseEngine
) -> None:
    """Too little memory for the build; an opening that breaks off with whatever it is."""
    use_engines(monkeypatch, engine)
    shop.merge(rebuild=True)
    assert _problem(shop)


def test_a_merge_that_was_killed_keeps_the_index(
    shop: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had built is not built again; another choice in between is."""
    built: list[object] = []

    class Counting(CoarseEngine):
        def build(self, vectors: Rows, distance: object, **settings: object) -> CoarseIndex:
            built.append(settings)
            return CoarseEngine().build(vectors, "cosine", axis=settings["axis"], trusted=True)

    use_engines(monkeypatch, Counting())
    shop.append([_put(900)])
    _killed(shop, monkeypatch)
    assert len(built) == 1
    shop.merge()
    assert len(built) == 1
    shop.append([_put(901)])
    _killed(shop, monkeypatch)
    shop.choose("look", Choice("coarse", {"axis": 0}))
    shop.merge()
    assert [each["axis"] for each in built] == [1, 1, 0]  # type: ignore[index]  # they are dicts


def _killed(store: Store, patch: pytest.MonkeyPatch) -> None:
    """A merge that ends before its last step."""

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with patch.context() as inner:
        inner.setattr("mitame.collection.snapshot.SnapshotBuilder.finish", stop)
        with pytest.raises(KeyboardInterrupt):
            store.merge()


def test_nothing_to_merge_stays_nothing(shop: Store) -> None:
    """Unless it is asked for; the progress of a merge only ever grows, to its end."""
    assert shop.merge() is None
    seen: list[tuple[int, int]] = []
    assert shop.merge(rebuild=True, on_progress=lambda *now: seen.append(now)) == 2
    done = [now for now, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]


def test_a_choice_that_cant_be_read_is_none(shop: Store) -> None:
    """Nothing is lost by choosing anew; the collection opens."""
    shop._writer.transact(lambda c, _: c.execute("UPDATE choices SET choice = '{\"x\": 1'"))
    path = shop.path
    shop.close()
    with open_store(path) as store, store.pin() as view:
        assert view.stored["look"].choice is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"engine": ""},
        {"effort": 1.5},
        {"recall": 0.0},
        {"k": 0},
        {"why": "x" * 1_001},
        {"settings": {"x": object()}},
        {"settings": {"x": "y" * 70_000}},
    ],
)
def test_what_cant_be_chosen(shop: Store, wrong: dict[str, object]) -> None:
    """It is refused before it is kept."""
    with pytest.raises(UsageError):
        shop.choose("look", Choice(**{"engine": "coarse", **wrong}))  # type: ignore[arg-type]  # on purpose
    with shop.pin() as view:
        assert view.stored["look"].choice == CHOICE


def test_an_index_is_an_index() -> None:
    """The test's engine keeps the contract's types."""
    index: Index = CoarseEngine().build(np.eye(4, dtype=np.float32), "cosine")
    assert index.rows == 4


def test_the_format_page_tells_the_description(shop: Store) -> None:
    """Every key of it, and the files."""
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    (about,) = [part for part in _index_files(shop) if "about" in part.name]
    told = json.loads(about.read_bytes()[64:])
    for key in [*told, *told["wanted"]]:
        assert f"`{key}`" in page
    assert "`lens-L-index-about.json.part` | `index` | uint8" in page
    assert "`choices`" in page
