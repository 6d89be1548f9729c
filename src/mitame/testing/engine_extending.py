"""Laws of extending: an index that follows its rows answers as well as one that was built anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.engines.protocol import ExtendingEngine, Index, Kept, Parts, Rows
from mitame.errors import CorruptCollection, MitameError, UsageError
from mitame.testing.engine_parts import PartLaws, mapped
from mitame.testing.engine_truth import (
    brute_force,
    check_equal,
    check_form,
    check_true,
    recall,
    refused,
)

K = 10


@dataclass(frozen=True)
class Step:
    """From older rows to new ones: some went, some came.

    Attributes:
        older, rows: float32[., dimension].
        kept: int64[older], the new number of each, -1 where it is gone.
    """

    older: Rows
    rows: Rows
    kept: Kept

    @property
    def came(self) -> Kept:
        """The new numbers of the rows that came."""
        return np.setdiff1d(np.arange(len(self.rows)), self.kept)


def step(older: Rows, gone: NDArray[np.bool_], new: Rows) -> Step:
    """Leave out some of the older rows, and put new ones after them, as a merge does."""
    kept = np.where(gone, -1, np.cumsum(~gone) - 1)
    return Step(older, np.concatenate([older[~gone], new]), kept)


class ExtendLaws(PartLaws):
    """What `ExtendingEngine.extend` makes; nothing is asked of an engine that doesn't declare it.

    As in collections, rows have length 1 under cosine.
    """

    def test_extended_finds_what_came_and_what_stayed(self) -> None:
        """Many rows, some gone and some new: true answers, and as good ones as after a build."""
        for engine, distance in self.extending():
            change = self._change(distance)
            index = self._extended(engine, distance, change, self._parts(engine, distance, change))
            assert (index.rows, index.dimension) == (len(change.rows), self.DIMENSION)
            stayed = change.kept[change.kept >= 0]
            for numbers in (change.came[:60], stayed[::60]):
                self._check_extended(index, change.rows, change.rows[numbers], distance)
            self._check_extended(index, change.rows, self.much_data()[1], distance)

    def test_extended_changes_none_of_its_arguments(self) -> None:
        """The older parts are mapped and read-only, and so are rows and numbers."""
        for engine, distance in self.extending():
            change = self._change(distance)
            parts = {
                name: array.copy() for name, array in self._parts(engine, distance, change).items()
            }
            change.rows.flags.writeable = change.kept.flags.writeable = False
            before = change.kept.copy()
            with mapped(parts) as files:
                index = self._extended(engine, distance, change, files)
                assert all((files[name] == parts[name]).all() for name in parts)
            assert (change.kept == before).all()
            self._check_extended(index, change.rows, self.much_data()[1], distance)

    def test_extended_is_saved_and_opened(self) -> None:
        """Its parts open to an index that answers the same to the bit, and are extended again."""
        _, queries = self.much_data()
        for engine, distance in self.extending():
            change = self._change(distance)
            index = self._extended(engine, distance, change, self._parts(engine, distance, change))
            parts = index.save()
            with mapped(parts) as files:
                opened = engine.open(change.rows, distance, files)
                for effort in (0.0, None, 1.0):
                    check_equal(
                        opened.search(queries, K, effort=effort),
                        index.search(queries, K, effort=effort),
                    )
                gone = np.arange(len(change.rows)) % 11 == 3
                again = step(change.rows, gone, change.older[change.kept < 0])
                twice = self._extended(engine, distance, again, files)
                del opened
            self._check_extended(twice, again.rows, queries, distance)

    def test_extended_where_nothing_is_left_or_nothing_came(self) -> None:
        """From no rows, to no rows, from few, by nothing, and by more than there were."""
        rows, queries = self.data()
        for engine, distance in self.extending():
            unit = normalise(rows) if distance == "cosine" else rows
            for older, gone, new in (
                (0, 0, 300),
                (1, 0, 5),
                (300, 300, 0),
                (300, 0, 0),
                (100, 90, 200),
            ):
                change = step(unit[:older], np.arange(older) < gone, unit[300 - new :])
                parts = self.build(engine, change.older, distance).save()
                self._check_extended(
                    self._extended(engine, distance, change, parts), change.rows, queries, distance
                )

    def test_extended_alike(self) -> None:
        """Where builds repeat, extending does."""
        _, queries = self.much_data()
        for engine, distance in self.extending():
            if not (engine.abilities.seeded and engine.abilities.deterministic):
                continue
            change = self._change(distance)
            parts = self._parts(engine, distance, change)
            one, other = (
                self._extended(engine, distance, change, parts, threads=threads).search(
                    queries, K, effort=0.0
                )
                for threads in (1, 3)
            )
            check_equal(one, other)

    def test_extended_from_damage(self) -> None:
        """Parts that are none, or numbers that can't be: an error, or an answer in form."""
        rows, _ = self.data()
        for engine, distance in self.extending():
            unit = normalise(rows) if distance == "cosine" else rows
            change = step(unit[:280], np.arange(280) % 9 == 0, unit[280:])
            parts = self.build(engine, change.older, distance).save()
            for damaged in _damaged(parts):
                self._survives_extending(engine, distance, change, damaged)
            short = Step(change.older, change.rows, change.kept[:-1])
            refused(partial(self._extended, engine, distance, short, parts), MitameError)
            for wrong in _wrong(change.kept):
                bad = Step(change.older, change.rows, wrong)
                refused(partial(self._extended, engine, distance, bad, parts), UsageError)

    def extending(self) -> Iterator[tuple[ExtendingEngine, Distance]]:
        """The engine with each of its distances, if it declares that it extends."""
        for engine, distance in self.each():
            if engine.abilities.extends:
                yield cast(ExtendingEngine, engine), distance

    def _change(self, distance: Distance) -> Step:
        """A ninth of the older rows goes, and about as many come, from the same clumps."""
        found, _ = self.much_data()
        rows = normalise(found) if distance == "cosine" else found
        old = len(rows) * 8 // 9
        return step(rows[:old], np.arange(old) % 9 == 4, rows[old:])

    def _parts(self, engine: ExtendingEngine, distance: Distance, change: Step) -> Parts:
        key = (type(self), engine.name, distance, "older")
        if key not in self._built:
            self._built[key] = self.build(engine, change.older, distance)
        return self._built[key].save()

    def _extended(
        self,
        engine: ExtendingEngine,
        distance: Distance,
        change: Step,
        parts: Parts,
        **more: Any,
    ) -> Index:
        settings = {**self.SETTINGS, **more}
        return engine.extend(change.rows, distance, parts, change.kept, **settings)

    def _check_extended(self, index: Index, rows: Rows, queries: Rows, distance: Distance) -> None:
        true = brute_force(rows, queries, K, distance)
        for effort, least in ((0.0, 0.0), (None, self.RECALL_DEFAULT), (1.0, self.RECALL_FULL)):
            answer = index.search(queries, K, effort=effort)
            check_form(answer, len(queries), K, len(rows))
            check_true(answer, rows, queries, distance)
            assert (answer.ids >= 0).sum(axis=1).tolist() == [min(K, len(rows))] * len(queries)
            assert recall(answer, true) >= least

    def _survives_extending(
        self, engine: ExtendingEngine, distance: Distance, change: Step, parts: Parts
    ) -> None:
        _, queries = self.data()
        try:
            answer = self._extended(engine, distance, change, parts).search(queries, K, effort=1.0)
        except CorruptCollection:
            return
        check_form(answer, len(queries), K, len(change.rows))
        check_true(answer, change.rows, queries, distance)


def _damaged(parts: Parts) -> Iterator[Parts]:
    yield {}
    for name, array in parts.items():
        yield {other: parts[other] for other in parts if other != name}
        yield {**parts, name: array[: len(array) // 2]}
        raw = np.full(array.nbytes, 0x7F, np.uint8)
        yield {**parts, name: raw.view(array.dtype).reshape(array.shape)}


def _wrong(kept: Kept) -> Iterator[Kept]:
    """Out of range on either side, twice the same, of another type."""
    for number in (-2, 10**9, int(kept.max())):
        wrong = kept.copy()
        wrong[1] = number
        yield wrong
    yield kept.astype(np.float64)
