"""Laws of builds: settings, seeds, and the ways to build that are offered to a tuner."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mitame.distances import DISTANCES, Distance
from mitame.engines.protocol import Engine
from mitame.errors import UsageError
from mitame.testing.engine_case import EngineCase
from mitame.testing.engine_truth import check_equal, check_form, refused


class SettingLaws(EngineCase):
    """How an index is built."""

    def test_refuses_unknown_settings(self) -> None:
        """A name that it doesn't know, or a value that can't be, is said and not passed over."""
        rows, _ = self.data()
        wrong: list[dict[str, Any]] = [
            {"nonsense": 1},
            {"seed": "five"},
            {"seed": -1},
            {"threads": -1},
            {"threads": None},
        ]
        for engine, distance in self.each():
            for settings in wrong:
                refused(
                    lambda e=engine, d=distance, s=settings: self.build(e, rows, d, **s),  # type: ignore[misc]  # mypy can't infer a lambda with defaults
                    UsageError,
                )

    def test_refuses_distances_that_it_has_not(self) -> None:
        """Those of others, and what is none."""
        rows, _ = self.data()
        engine = self.make()
        has = engine.abilities.distances
        for distance in ("hamming", "", *(each for each in DISTANCES if each not in has)):
            refused(lambda d=distance: self.build(engine, rows, d), UsageError)  # type: ignore[misc]  # as above; and the wrong distance is the point

    def test_same_question_same_answer(self) -> None:
        """Twice from one index, whatever was asked in between, and alone or among others."""
        _, queries = self.data()
        for engine, distance in self.each():
            index = self.small(engine, distance)
            first = index.search(queries, 10)
            for effort, k in ((None, 10), (0.0, 3), (1.0, 40)):
                index.search(queries, k, effort=effort)
                check_equal(index.search(queries, 10), first)
            alone = [index.search(query[np.newaxis], 10).ids[0] for query in queries]
            assert (np.stack(alone) == first.ids).all()

    def test_same_seed_same_index(self) -> None:
        """Built again on one thread it answers the same; where declared, on any threads."""
        for engine, distance in self.each():
            if not engine.abilities.seeded:
                continue
            self._check_seed(engine, distance, {"seed": 3, "threads": 1})
            if engine.abilities.deterministic:
                self._check_seed(engine, distance, {"seed": 3})
                self._check_seed(engine, distance, {"seed": 3, "threads": 3})

    def _check_seed(self, engine: Engine, distance: Distance, settings: dict[str, Any]) -> None:
        rows, queries = self.data()
        one, other = (self.build(engine, rows, distance, **settings) for _ in range(2))
        for effort in (0.0, None):
            check_equal(
                one.search(queries, 10, effort=effort), other.search(queries, 10, effort=effort)
            )

    def test_candidates_can_be_built(self) -> None:
        """At least one at any size; settings that JSON can hold; efforts that ascend."""
        rows, queries = self.data()
        engine, distance = next(self.each())
        for size in (1, 300, 60_000, 10_000_000):
            offered = engine.candidates(size, self.DIMENSION)
            assert offered
            for each in offered:
                assert json.loads(json.dumps(dict(each.settings))) == dict(each.settings)
                assert list(each.efforts) == sorted(set(each.efforts))
                assert each.efforts
                assert all(0 <= effort <= 1 for effort in each.efforts)
        for each in engine.candidates(self.ROWS, self.DIMENSION):
            index = engine.build(rows, distance, **each.settings)
            for effort in each.efforts:
                check_form(index.search(queries, 5, effort=effort), len(queries), 5, self.ROWS)
