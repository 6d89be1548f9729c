"""Sanny: all laws with other settings, and every fault that the form before it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines.exact import ExactEngine
from mitame.engines.protocol import Allow, Engine, Rows, Searchable
from mitame.engines.sanny import SannyEngine
from mitame.engines.sanny_index import SannyIndex, Spread
from mitame.engines.sanny_votes import elect, unite
from mitame.errors import CorruptCollection, FetchFailed, UsageError
from mitame.neighbors import Neighbors
from mitame.testing.engines import EngineConformance, brute_force


def find(name: str) -> Engine:
    """A small catalogue: the exact engine, and sanny itself."""
    if name == "exact":
        return ExactEngine()
    if name == "sanny":
        return SannyEngine(find)
    raise UsageError(f"no engine {name!r}")


def make(rows: Rows, distance: Distance = "euclidean", **own: Any) -> SannyIndex:
    return SannyEngine(find).build(rows, distance, **own)


def _rows(seed: int, n: int, dimension: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


class TestAllRanked(EngineConformance):
    """All laws, ranking the whole union; five parts of 24 columns, the last of four."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {"votes": 0, "parts": 5}

    def make(self) -> Engine:
        """Over the small catalogue."""
        return SannyEngine(find)


class TestNested(EngineConformance):
    """All laws, with parts that are cut into parts again."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {
        "parts": 2,
        "inner": "sanny",
        "inner_settings": {"parts": 2, "top": 60},
    }

    def make(self) -> Engine:
        """Over the small catalogue."""
        return SannyEngine(find)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("votes", [0, 1])
def test_parts_that_answer_all_give_the_true_answer(distance: Distance, votes: int) -> None:
    """With every row in the union, and with votes that are all equal, nothing is lost."""
    rows, queries = _rows(0, 120, 10), _rows(1, 5, 10)
    answer = make(rows, distance, parts=3, top=120, votes=votes).search(queries, 20)
    true = brute_force(rows, queries, 20, distance)
    np.testing.assert_array_equal(answer.ids, true.ids)
    np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("top", [1, 3, 10, 40])
@pytest.mark.parametrize("k", [1, 10, 11, 60])
def test_any_number_of_neighbours_can_be_asked_for(top: int, k: int) -> None:
    """Fault of old: parts answered 10, whatever was asked; and fewer candidates than k crashed."""
    rows = _rows(2, 200, 12)
    answer = make(rows, parts=4, top=top).search(rows[:3], k)
    assert (answer.ids >= 0).all()
    assert answer.ids[:, 0].tolist() == [0, 1, 2]


@settings(max_examples=60, deadline=None)
@given(dimension=st.integers(1, 40), parts=st.integers(1, 64))
def test_every_column_is_in_one_part(dimension: int, parts: int) -> None:
    """Law: parts are of equal width but the last, none is empty, and none overlaps another.

    Faults of old: an empty last part where the dimension is no multiple of the number of parts,
    and a wrong part where one place held several.
    """
    asked: list[Rows] = []
    spread = make(_rows(3, 70, dimension), parts=parts).spread
    width = -(-dimension // parts)
    assert spread.width == width
    assert len(spread.parts) == -(-dimension // width)
    listening = Spread(
        [Listening(part, asked) for part in spread.parts], spread.width, spread.top, spread.votes
    )
    query = np.arange(dimension, dtype=np.float32)[np.newaxis]
    listening.ask(query, 1, None, None)
    columns = sorted(float(column) for part in asked for column in part[0])
    assert columns == list(range(dimension))


def test_a_part_that_is_gone_is_never_passed_over() -> None:
    """Fault of old: a dead part was dropped without a word. Now the search fails, with its error;
    and whoever can do with less is told that the answer is not complete."""
    rows = _rows(4, 100, 8)
    index = broken(rows, [1])
    with pytest.raises(FetchFailed, match="part is gone"):
        index.search(rows[:2], 5)
    answer = index.search_available(rows[:2], 5)
    assert not answer.complete
    assert [number for number, _ in answer.failed] == [1]
    assert answer.neighbors.ids[:, 0].tolist() == [0, 1]
    assert broken(rows, []).search_available(rows[:2], 5).complete


def test_no_part_at_all_is_an_error() -> None:
    """An answer from nothing is none."""
    rows = _rows(5, 100, 8)
    with pytest.raises(FetchFailed):
        broken(rows, [0, 1, 2, 3]).search_available(rows[:1], 5)


def test_a_part_that_answers_too_little_is_made_up_for() -> None:
    """k rows come, also where the parts know fewer."""
    rows = _rows(6, 100, 8)
    parts = [Short(part) for part in make(rows, parts=4).spread.parts]
    answer = SannyIndex(rows, "euclidean", Spread(parts, 2, 10, True)).search(rows[:4], 20)
    np.testing.assert_array_equal(answer.ids, brute_force(rows, rows[:4], 20, "euclidean").ids)


def test_long_rows_count_by_their_direction_under_cosine() -> None:
    """Parts of rows of different lengths are compared as parts of unit vectors."""
    rows, queries = _rows(7, 400, 16), _rows(8, 20, 16)
    scales = np.random.default_rng(9).lognormal(sigma=2, size=(400, 1)).astype(np.float32)
    stretched = make(rows * scales, "cosine", parts=4, top=40).search(queries, 10)
    plain = make(normalise(rows), "cosine", parts=4, top=40).search(queries, 10)
    assert (stretched.ids == plain.ids).mean() > 0.99


def test_votes_count_parts_and_estimates_add_up() -> None:
    """By hand: two parts, of which one knows three rows and the other two."""
    union = unite(
        [
            (np.array([4, 9, 2]), np.array([1.0, 2.0, 5.0])),
            (np.array([9, 7, -1]), np.array([3.0, 4.0, np.inf])),
        ]
    )
    assert union.ids.tolist() == [2, 4, 7, 9]
    assert union.votes.tolist() == [1, 1, 1, 2]
    assert union.estimates.tolist() == [9.0, 5.0, 9.0, 5.0]
    assert elect(union, 1).tolist() == [9]
    assert elect(union, 2).tolist() == [9, 4]
    assert elect(union, 99).tolist() == [9, 4, 2, 7]
    assert unite([(np.array([-1]), np.array([np.inf]))]).ids.tolist() == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), budget=st.integers(0, 60))
def test_layers_are_taken_whole_but_the_last(seed: int, budget: int) -> None:
    """Law: who is left out never has more votes, nor as many with a lower estimate."""
    rng = np.random.default_rng(seed)
    answers = [(rng.permutation(30)[:8], np.sort(rng.integers(0, 9, 8) * 1.0)) for _ in range(4)]
    union = unite(answers)
    taken = np.isin(union.ids, elect(union, budget))
    assert taken.sum() == min(budget, len(union.ids))
    if taken.any() and not taken.all():
        worst_in = max(zip(-union.votes[taken], union.estimates[taken], strict=True))
        best_out = min(zip(-union.votes[~taken], union.estimates[~taken], strict=True))
        assert worst_in <= best_out


def test_votes_are_better_than_chance() -> None:
    """The first 20 by votes hold most of the true ten that the union holds; 20 at random do not."""
    rng = np.random.default_rng(10)
    centres = rng.normal(size=(40, 32))
    rows = (centres[rng.integers(40, size=4_000)] + 0.5 * rng.normal(size=(4_000, 32))).astype(
        np.float32
    )
    queries = (rows[:40] + 0.2 * rng.normal(size=(40, 32))).astype(np.float32)
    true = brute_force(rows, queries, 10, "euclidean")
    unions = make(rows, parts=4).unions(queries, 50)
    by_votes = by_chance = by_all = 0.0
    for q, union in enumerate(unions):
        by_votes += np.isin(true.ids[q], elect(union, 20)).mean() / 40
        by_chance += np.isin(true.ids[q], rng.permutation(union.ids)[:20]).mean() / 40
        by_all += np.isin(true.ids[q], union.ids).mean() / 40
    assert by_all > 0.95
    assert by_votes > 0.75
    assert by_chance < 0.35


@pytest.mark.parametrize(
    "wrong",
    [
        {"parts": 0},
        {"parts": 65},
        {"votes": 2},
        {"top": 0},
        {"inner": 3},
        {"inner": "nonsense"},
        {"inner_settings": 3},
        {"inner_settings": {"nonsense": 1}},
        {"inner_settings": {1: 2}},
        {"inner_settings": {"a": {"a": {"a": {"a": {}}}}}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    """Its own, and those of the inner engine."""
    with pytest.raises(UsageError):
        make(_rows(11, 80, 8), **wrong)


def test_parts_of_an_index_with_another_cut_are_refused() -> None:
    """What was saved as four parts is no index of two."""
    rows = _rows(12, 300, 8)
    engine = SannyEngine(find)
    own = {"inner_settings": {"dtype": "int8"}}
    four = engine.build(rows, "euclidean", parts=4, **own).save()
    two = engine.build(rows, "euclidean", parts=2, **own).save()
    with pytest.raises(CorruptCollection):
        engine.open(rows, "euclidean", {**four, "head": two["head"]})


class Listening:
    """A part that remembers what it was asked."""

    def __init__(self, part: Searchable, asked: list[Rows]) -> None:
        self._part = part
        self._asked = asked
        self.rows = part.rows

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        """As the part does."""
        self._asked.append(queries)
        return self._part.search(queries, k, effort=effort, allow=allow)


class Gone:
    """A part on a machine that doesn't answer."""

    rows = 100

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        """It doesn't."""
        raise FetchFailed("the part is gone")


class Short:
    """A part that answers two rows, however many are asked for."""

    def __init__(self, part: Searchable) -> None:
        self._part = part
        self.rows = part.rows

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        """The first two of the part's."""
        answer = self._part.search(queries, k, effort=effort, allow=allow)
        return Neighbors(answer.ids[:, :2], answer.distances[:, :2])


def broken(rows: Rows, gone: Sequence[int]) -> SannyIndex:
    """An index of four parts of two columns each, of which some are gone."""
    parts = make(rows, parts=4).spread.parts
    there = [Gone() if b in gone else part for b, part in enumerate(parts)]
    return SannyIndex(rows, "euclidean", Spread(there, 2, 10, votes=True))
