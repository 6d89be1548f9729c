"""Laws of answers: shapes, order, ties, padding, recall, and what is refused."""

from __future__ import annotations

import numpy as np

from mitame.errors import InvalidVector, UsageError
from mitame.neighbors import PADDING
from mitame.testing.engine_case import EngineCase
from mitame.testing.engine_truth import (
    brute_force,
    check_equal,
    check_form,
    check_true,
    recall,
    refused,
)

EFFORTS = (0.0, None, 1.0)
"""The least, the engine's own, the most."""


class AnswerLaws(EngineCase):
    """What a search answers."""

    def test_declares_a_name_and_a_distance(self) -> None:
        """The catalogue and the checks below need both."""
        engine = self.make()
        assert engine.name
        assert engine.abilities.distances

    def test_says_what_it_was_built_over(self) -> None:
        """Rows, dimension, and memory in bytes."""
        for engine, distance in self.each():
            index = self.small(engine, distance)
            assert (index.rows, index.dimension) == (self.ROWS, self.DIMENSION)
            assert index.memory >= 0

    def test_form_and_distances(self) -> None:
        """At any effort: types, nearest first, ties by id, k of them, with their true distances."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = self.small(engine, distance)
            for effort in EFFORTS:
                for k in (1, 10, 100):
                    answer = index.search(queries, k, effort=effort)
                    check_form(answer, len(queries), k, self.ROWS)
                    check_true(answer, rows, queries, distance)
                    assert (answer.ids != PADDING).all()

    def test_recall(self) -> None:
        """An exact engine answers as brute force does, to the bit; others find most."""
        for seed, k in ((0, 1), (1, 10), (2, 37)):
            rows, queries = self.data(seed)
            for engine, distance in self.each():
                index = self.build(engine, rows, distance)
                true = brute_force(rows, queries, k, distance)
                answer = index.search(queries, k, effort=1.0)
                if engine.abilities.exact:
                    check_equal(answer, true)
                    check_equal(index.search(queries, k), true)
                else:
                    assert recall(answer, true) >= self.RECALL_FULL

    def test_recall_over_many_rows(self) -> None:
        """At full effort nearly all, at the default most; more effort never finds much less."""
        rows, queries = self.much_data()
        queries = np.concatenate([queries, rows[100:125] + np.float32(0.05)])
        for engine, distance in self.each():
            index = self.large(engine, distance)
            true = brute_force(rows, queries, 10, distance)
            least, usual, most = (
                recall(index.search(queries, 10, effort=effort), true) for effort in EFFORTS
            )
            assert most >= (1.0 if engine.abilities.exact else self.RECALL_FULL)
            assert usual >= self.RECALL_DEFAULT
            assert most >= least - 0.02

    def test_equal_rows(self) -> None:
        """k different rows are found among equal ones, in the order of their ids."""
        rows, _ = self.data()
        rows[:] = rows[0]
        for engine, distance in self.each():
            answer = self.build(engine, rows, distance).search(rows[:2], 25, effort=1.0)
            check_form(answer, 2, 25, self.ROWS)
            assert (answer.ids != PADDING).all()
            assert (answer.distances == answer.distances[0, 0]).all()
            if engine.abilities.exact:
                assert answer.ids[0].tolist() == list(range(25))

    def test_k_beyond_the_rows_is_padded(self) -> None:
        """All rows, then id -1 at infinity; at any effort."""
        rows, queries = self.data()
        for engine, distance in self.each():
            for n in (2, 6, 40):
                index = self.build(engine, rows[:n], distance)
                for effort in EFFORTS:
                    answer = index.search(queries, n + 3, effort=effort)
                    check_form(answer, len(queries), n + 3, n)
                    assert (np.sort(answer.ids[:, :n], axis=1) == np.arange(n)).all()
                    assert (answer.ids[:, n:] == PADDING).all()

    def test_no_rows(self) -> None:
        """An index over nothing answers padding only."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = self.build(engine, rows[:0], distance)
            assert index.rows == 0
            assert (index.search(queries, 3).ids == PADDING).all()
            nothing = np.zeros(0, np.bool_)
            assert (index.search(queries, 3, allow=nothing).ids == PADDING).all()

    def test_one_row(self) -> None:
        """It is everybody's nearest."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = self.build(engine, rows[:1], distance)
            assert index.rows == 1
            assert (index.search(queries, 1).ids == 0).all()

    def test_no_queries(self) -> None:
        """No queries, no answers, but the right width."""
        _, queries = self.data()
        for engine, distance in self.each():
            answer = self.small(engine, distance).search(queries[:0], 4)
            check_form(answer, 0, 4, self.ROWS)

    def test_zeros(self) -> None:
        """Rows and queries of nothing but zeros are answered like any other."""
        rows, queries = self.data()
        rows[3] = rows[40] = queries[0] = 0
        for engine, distance in self.each():
            answer = self.build(engine, rows, distance).search(queries, 10, effort=1.0)
            check_form(answer, len(queries), 10, self.ROWS)
            check_true(answer, rows, queries, distance)
            assert (answer.ids != PADDING).all()

    def test_lengths_of_all_kinds(self) -> None:
        """Very long and very short vectors are answered in form, with true distances."""
        rows, queries = self.data()
        rows[::3] *= np.float32(1e18)
        rows[1::3] *= np.float32(1e-18)
        queries[::2] *= np.float32(1e18)
        for engine, distance in self.each():
            answer = self.build(engine, rows, distance).search(queries, 10)
            check_form(answer, len(queries), 10, self.ROWS)
            check_true(answer, rows, queries, distance)
            assert (answer.ids != PADDING).all()

    def test_refuses_other_dimensions(self) -> None:
        """A query of another dimension is no query."""
        _, queries = self.data()
        for engine, distance in self.each():
            index = self.small(engine, distance)
            for wrong in (queries[:, 1:], queries[0], np.float32(3)):
                refused(lambda i=index, w=wrong: i.search(w, 1), InvalidVector)  # type: ignore[misc]  # mypy can't infer a lambda with defaults

    def test_refuses_what_is_no_number(self) -> None:
        """NaN and infinity, in rows and in queries."""
        rows, queries = self.data()
        for engine, distance in self.each():
            index = self.small(engine, distance)
            for bad in (np.nan, np.inf, -np.inf):
                wrong_query, wrong_rows = queries.copy(), rows.copy()
                wrong_query[1, 2] = wrong_rows[7, 3] = bad
                refused(lambda i=index, w=wrong_query: i.search(w, 1), InvalidVector)  # type: ignore[misc]  # as above
                refused(
                    lambda e=engine, w=wrong_rows, d=distance: self.build(e, w, d),  # type: ignore[misc]  # as above
                    InvalidVector,
                )

    def test_refuses_what_cannot_be_asked(self) -> None:
        """No neighbours; efforts outside 0 to 1; a filter over other rows or of other type."""
        _, queries = self.data()
        wrong: list[tuple[int, dict[str, object]]] = [
            (0, {}),
            (-1, {}),
            (1, {"effort": -0.1}),
            (1, {"effort": 1.1}),
            (1, {"effort": float("nan")}),
            (1, {"allow": np.ones(self.ROWS - 1, np.bool_)}),
            (1, {"allow": np.ones(self.ROWS, np.int64)}),
        ]
        for engine, distance in self.each():
            index = self.small(engine, distance)
            for k, arguments in wrong:
                refused(
                    lambda i=index, k=k, a=arguments: i.search(queries, k, **a),  # type: ignore[misc]  # as above
                    UsageError,
                )

    def test_read_only_inputs_stay_as_they_are(self) -> None:
        """Rows, queries and filter may be mapped read-only, and are not changed."""
        rows, queries = self.data()
        allow = np.arange(self.ROWS) % 3 > 0
        kept = rows.copy(), queries.copy(), allow.copy()
        rows.flags.writeable = queries.flags.writeable = allow.flags.writeable = False
        for engine, distance in self.each():
            index = self.build(engine, rows, distance)
            index.search(queries, 5)
            index.search(queries, 5, allow=allow)
        assert (rows == kept[0]).all()
        assert (queries == kept[1]).all()
        assert (allow == kept[2]).all()
