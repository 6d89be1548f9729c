"""What every engine must do, as a test class to inherit from.

    class TestMine(EngineConformance):
        def make(self) -> Engine:
            return MyEngine()

Needs a test runner that collects methods named ``test_...``; uses nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, exact
from mitame.engines.protocol import Engine
from mitame.errors import InvalidVector, MitameError
from mitame.neighbors import PADDING, Neighbors

Rows = NDArray[np.float32]
Mask = NDArray[np.bool_]


def brute_force(
    rows: Rows, queries: Rows, k: int, distance: Distance, allow: Mask | None = None
) -> Neighbors:
    """The true answer, computed the slow way: float32[rows, dimension], float32[q, dimension]."""
    ids = np.full((len(queries), k), PADDING, np.int64)
    distances = np.full((len(queries), k), np.inf, np.float32)
    allowed = np.arange(len(rows)) if allow is None else np.flatnonzero(allow)
    for q, query in enumerate(queries):
        away = exact(query, rows[allowed], distance)
        order = np.lexsort((allowed, away))[:k]
        ids[q, : len(order)] = allowed[order]
        distances[q, : len(order)] = away[order]
    return Neighbors(ids, distances)


class EngineConformance:
    """Laws of `mitame.engines.protocol`, for each distance that the engine declares."""

    ROWS = 300
    DIMENSION = 24

    def make(self) -> Engine:
        """The engine under test."""
        raise NotImplementedError

    def data(self, seed: int = 0) -> tuple[Rows, Rows]:
        """Rows float32[ROWS, DIMENSION] in clumps, with some equal ones, and seven queries."""
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(10, self.DIMENSION))
        rows = centres[rng.integers(10, size=self.ROWS)] + 0.3 * rng.normal(
            size=(self.ROWS, self.DIMENSION)
        )
        rows[20:30] = rows[10:20]
        queries = np.concatenate([rows[5:8], rng.normal(size=(4, self.DIMENSION))])
        return rows.astype(np.float32), queries.astype(np.float32)

    def each(self) -> Iterator[tuple[Engine, Distance]]:
        """The engine with each of its distances."""
        engine = self.make()
        for distance in sorted(engine.abilities.distances):
            yield engine, distance

    def test_declares_a_name_and_a_distance(self) -> None:
        """The catalogue and the checks below need both."""
        engine = self.make()
        assert engine.name
        assert engine.abilities.distances

    def test_shape_type_and_order(self) -> None:
        """int64[q, k] and float32[q, k], nearest first, ties by id, no id twice."""
        rows, queries = self.data()
        for engine, distance in self.each():
            answer = engine.build(rows, distance).search(queries, 10)
            assert answer.ids.shape == answer.distances.shape == (7, 10)
            assert answer.ids.dtype == np.int64
            assert answer.distances.dtype == np.float32
            _check_order(answer)

    def test_distances_are_the_true_ones(self) -> None:
        """What is said of an answered row is what `mitame.distances.exact` says."""
        rows, queries = self.data()
        for engine, distance in self.each():
            answer = engine.build(rows, distance).search(queries, 10)
            for q, query in enumerate(queries):
                true = exact(query, rows[answer.ids[q]], distance)
                np.testing.assert_allclose(answer.distances[q], true, rtol=1e-5, atol=1e-6)

    def test_exactness(self) -> None:
        """An exact engine answers as brute force does, to the bit; others find most."""
        for seed, k in ((0, 1), (1, 10), (2, 37)):
            rows, queries = self.data(seed)
            for engine, distance in self.each():
                answer = engine.build(rows, distance).search(queries, k, effort=1.0)
                true = brute_force(rows, queries, k, distance)
                if engine.abilities.exact:
                    _check_equal(answer, true)
                else:
                    assert _recall(answer, true) >= 0.9

    def test_equal_rows_go_by_id(self) -> None:
        """Rows that are equal are all found, the lower id first."""
        rows, _ = self.data()
        rows[:] = rows[0]
        for engine, distance in self.each():
            answer = engine.build(rows, distance).search(rows[:1], 25, effort=1.0)
            assert answer.ids[0].tolist() == list(range(25))

    def test_k_beyond_the_rows_is_padded(self) -> None:
        """All rows, then id -1 at infinity."""
        rows, queries = self.data()
        for engine, distance in self.each():
            answer = engine.build(rows[:6], distance).search(queries, 9, effort=1.0)
            assert (np.sort(answer.ids[:, :6], axis=1) == np.arange(6)).all()
            assert (answer.ids[:, 6:] == PADDING).all()
            assert np.isposinf(answer.distances[:, 6:]).all()

    def test_no_rows(self) -> None:
        """An index over nothing answers padding only."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows[:0], distance)
            assert index.rows == 0
            assert (index.search(queries, 3).ids == PADDING).all()

    def test_one_row(self) -> None:
        """It is everybody's nearest."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows[:1], distance)
            assert index.rows == 1
            assert (index.search(queries, 1).ids == 0).all()

    def test_no_queries(self) -> None:
        """No queries, no answers, but the right width."""
        rows, queries = self.data()
        for engine, distance in self.each():
            assert engine.build(rows, distance).search(queries[:0], 4).ids.shape == (0, 4)

    def test_refuses_other_dimensions(self) -> None:
        """A query of another dimension is no query."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows, distance)
            for wrong in (queries[:, 1:], queries[0], np.float32(3)):
                _refused(lambda i=index, w=wrong: i.search(w, 1), InvalidVector)  # type: ignore[misc]  # mypy can't infer a lambda with defaults

    def test_refuses_what_is_no_number(self) -> None:
        """NaN and infinity, in rows and in queries."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows, distance)
            for bad in (np.nan, np.inf, -np.inf):
                wrong_query, wrong_rows = queries.copy(), rows.copy()
                wrong_query[1, 2] = wrong_rows[7, 3] = bad
                _refused(lambda i=index, w=wrong_query: i.search(w, 1), InvalidVector)  # type: ignore[misc]  # as above
                _refused(
                    lambda e=engine, w=wrong_rows, d=distance: e.build(w, d),  # type: ignore[misc]  # as above
                    InvalidVector,
                )

    def test_refuses_k_below_one(self) -> None:
        """No neighbours can't be asked for."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows, distance)
            _refused(lambda i=index: i.search(queries, 0), MitameError)  # type: ignore[misc]  # as above

    def test_read_only_inputs_stay_as_they_are(self) -> None:
        """Rows and queries may be mapped read-only, and are not changed."""
        rows, queries = self.data()
        kept = rows.copy(), queries.copy()
        rows.flags.writeable = queries.flags.writeable = False
        for engine, distance in self.each():
            engine.build(rows, distance).search(queries, 5)
        assert (rows == kept[0]).all()
        assert (queries == kept[1]).all()

    def test_filters(self) -> None:
        """Only allowed rows, k of them whenever k are allowed; at all shares."""
        rows, queries = self.data()
        for engine, distance in self.each():
            if not engine.abilities.filters:
                continue
            index = engine.build(rows, distance)
            for allow in _masks(len(rows)):
                answer = index.search(queries, 5, allow=allow)
                expected = min(5, int(allow.sum()))
                found = answer.ids[:, :expected]
                assert allow[found].all() and (found >= 0).all()  # noqa: PT018 (one law: these rows and no others)
                assert (answer.ids[:, expected:] == PADDING).all()
                _check_order(answer)
                if engine.abilities.exact:
                    _check_equal(answer, brute_force(rows, queries, 5, distance, allow))

    def test_same_question_same_answer(self) -> None:
        """Twice from one index, alone or among others, and from an index built again."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows, distance)
            first = index.search(queries, 10)
            _check_equal(index.search(queries, 10), first)
            _check_equal(engine.build(rows, distance).search(queries, 10), first)
            alone = [index.search(query[np.newaxis], 10).ids[0] for query in queries]
            assert (np.stack(alone) == first.ids).all()

    def test_threads(self) -> None:
        """Several threads that search one index at once get what each would get alone."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = engine.build(rows, distance)
            alone = [index.search(query[np.newaxis], 8) for query in queries]
            with ThreadPoolExecutor(4) as pool:
                together = list(
                    pool.map(lambda query, i=index: i.search(query[np.newaxis], 8), [*queries] * 6)
                )
            for one, many in zip(alone * 6, together, strict=True):
                _check_equal(many, one)


def _masks(rows: int) -> Iterator[Mask]:
    """Allowed rows: all, some, few, one, none."""
    rng = np.random.default_rng(9)
    for share in (1.0, 0.5, 0.1, 0.01, 0.001, 0.0):
        mask = np.zeros(rows, np.bool_)
        mask[rng.permutation(rows)[: int(np.ceil(rows * share))]] = True
        yield mask


def _check_order(answer: Neighbors) -> None:
    for ids, distances in zip(answer.ids, answer.distances, strict=True):
        real = ids != PADDING
        assert real[: real.sum()].all()
        pairs = list(zip(distances[real].tolist(), ids[real].tolist(), strict=True))
        assert pairs == sorted(pairs)
        assert len(set(ids[real].tolist())) == len(pairs)
        assert np.isposinf(distances[~real]).all()


def _check_equal(one: Neighbors, other: Neighbors) -> None:
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.distances, other.distances)


def _recall(answer: Neighbors, true: Neighbors) -> float:
    """Share of the true distances that are reached, so that ties count."""
    reached = answer.distances <= true.distances[:, -1:] * (1 + 1e-5) + 1e-6
    return float(reached.mean())


def _refused(call: Callable[[], object], error: type[MitameError]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")
