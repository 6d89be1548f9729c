"""Laws of filters: only allowed rows, and k of them whenever k are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Allow, Index, Rows
from mitame.testing.engine_case import EngineCase
from mitame.testing.engine_truth import (
    brute_force,
    check_equal,
    check_form,
    check_true,
    clumps,
    masks,
    recall,
)

K = 10


@dataclass(frozen=True)
class _Subject:
    """An index with what it was built over, and what it is asked."""

    index: Index
    distance: Distance
    rows: Rows
    queries: Rows


class FilterLaws(EngineCase):
    """What a search under `allow` answers."""

    RECALL_FILTERED: ClassVar[float] = 0.85
    """What an engine that is not exact finds at effort 1 of ten under a filter."""

    def test_filters_at_any_share(self) -> None:
        """All, half, a tenth, a hundredth, a thousandth and none of few and of many rows."""
        for subject in self._filtered():
            for allow in masks(len(subject.rows)):
                for effort in (0.0, None, 1.0):
                    self._check(subject, allow, effort)

    def test_filters_that_go_with_the_data(self) -> None:
        """Only rows near one centre, or near all but one: for most queries nothing near is allowed.

        An engine that looks near the query and drops what is not allowed finds nothing there.
        """
        rows, queries = self.much_data()
        _, near = clumps(self.MANY, self.DIMENSION, 1)
        for engine, distance in self.each():
            if not engine.abilities.filters:
                continue
            subject = _Subject(self.large(engine, distance), distance, rows, queries)
            for allow in (near == 0, near < 5, near != near[5]):
                self._check(subject, allow, None)
                self._check(subject, allow, 1.0)

    def test_a_filter_that_allows_all_changes_nothing_much(self) -> None:
        """The answer is as good as without one."""
        for each in self._filtered():
            allow = np.ones(len(each.rows), np.bool_)
            true = brute_force(each.rows, each.queries, K, each.distance)
            with_one = recall(each.index.search(each.queries, K, allow=allow), true)
            assert with_one >= recall(each.index.search(each.queries, K), true) - 0.05

    def _filtered(self) -> Iterator[_Subject]:
        for engine, distance in self.each():
            if engine.abilities.filters:
                yield _Subject(self.small(engine, distance), distance, *self.data())
                yield _Subject(self.large(engine, distance), distance, *self.much_data())

    def _check(self, each: _Subject, allow: Allow, effort: float | None) -> None:
        answer = each.index.search(each.queries, K, effort=effort, allow=allow)
        expected = min(K, int(allow.sum()))
        check_form(answer, len(each.queries), K, len(each.rows))
        check_true(answer, each.rows, each.queries, each.distance)
        found = answer.ids[:, :expected]
        assert (found >= 0).all()
        assert allow[found].all()
        assert (answer.ids[:, expected:] < 0).all()
        true = brute_force(each.rows, each.queries, K, each.distance, allow)
        if self.make().abilities.exact:
            check_equal(answer, true)
        elif effort == 1.0:
            assert recall(answer, true) >= self.RECALL_FILTERED
