"""Builds and measures ways to search the same rows, as many as a time budget allows.

Few rows: every candidate is built over all of them. Many: each is built over two samples first,
which predicts time, memory and recall at full size; then the most promising ones that fit the
budget are built in full, and the others are told as they were predicted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from mitame.choosing.growth import carried_trial
from mitame.choosing.measurement import Trial
from mitame.choosing.pick import candidate, pick
from mitame.choosing.sweeping import sweep
from mitame.choosing.wish import Wish, size_text, time_text
from mitame.collection.indexing import USUAL_ENGINE
from mitame.distances import Distance
from mitame.engines.catalog import find
from mitame.engines.measuring import Questions, questions
from mitame.engines.protocol import Candidate, Engine, Index, Rows
from mitame.errors import MitameError

OnStep: TypeAlias = Callable[[int, int, str], None]
WHOLE_ROWS = 20_000
"""Up to so many rows nothing is predicted."""
_SAMPLE_ROWS = (8_000, 50_000)
_SAMPLING_SHARE = 0.45
"""Of the budget, for builds over samples."""
_POINTS = 150
"""A point of a curve takes at most such a part of the budget."""
_POINT_SECONDS = (0.05, 2.0)
_USUAL_SHARE = 2.0
"""Of the budget, that the usual index may take to build."""
HOPELESS = 3.0
"""An engine whose query takes so many times the best one's is not tried in further ways."""


@dataclass(frozen=True)
class Rated:
    """A trial with the index that it measured, as long as that is the best."""

    trial: Trial
    index: Index | None = None


class Budget:
    """A time that is running out.

    Args:
        seconds: of wall time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; not below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def point(self) -> float:
        """Seconds that one point of a curve may take."""
        least, most = _POINT_SECONDS
        return min(most, max(least, self.seconds / _POINTS))


class Trials:
    """Trials over the rows of a lens.

    Args:
        vectors: float32[rows, dimension]; trusted.
        distance: of the lens.
        asked: questions with the truth over all rows.
        wish: what is wished for.
        budget: running already.
        seed: of samples and builds.
        on_step: called with steps done, steps in all and what is done now.
    """

    def __init__(
        self,
        vectors: Rows,
        distance: Distance,
        asked: Questions,
        wish: Wish,
        budget: Budget,
        *,
        seed: int,
        on_step: OnStep,
    ) -> None:
        self._vectors = vectors
        self._distance: Distance = distance
        self._asked = asked
        self._wish = wish
        self._budget = budget
        self._seed = seed
        self._on_step = on_step
        self._trials: list[Trial] = []
        self._best: tuple[Trial, Index] | None = None

    def run(self, engines: Sequence[Engine]) -> list[Trial]:
        """What was measured, predicted or skipped; exact search, which is among them, first."""
        ways = self._ways(engines)
        if len(self._vectors) <= WHOLE_ROWS:
            self._whole(ways)
        else:
            quick = [way for way in ways if way[0].name == "exact"]
            self._whole(quick)
            self._sampled([way for way in ways if way not in quick])
        return self._trials

    def index_of(self, trial: Trial) -> Index | None:
        """The index of a trial, where it is still there: that of the best one is."""
        return self._best[1] if self._best is not None and self._best[0] is trial else None

    def _ways(self, engines: Sequence[Engine]) -> list[tuple[Engine, Candidate]]:
        """First every engine's cheapest, then their second ones, and so on."""
        rows, dimension = self._vectors.shape
        ways: list[tuple[int, int, Engine, Candidate]] = []
        ordered = sorted(engines, key=lambda engine: engine.name != "exact")
        for place, engine in enumerate(ordered):
            if self._distance not in engine.abilities.distances:
                self._skip(engine.name, {}, f"it has no {self._distance} distance")
                continue
            for rank, way in enumerate(engine.candidates(rows, dimension)):
                ways.append((rank, place, engine, way))
        return [(engine, way) for *_, engine, way in sorted(ways, key=lambda way: way[:2])]

    def _whole(self, ways: Sequence[tuple[Engine, Candidate]]) -> None:
        for number, (engine, way) in enumerate(ways):
            self._on_step(number, len(ways), engine.name)
            if self._budget.left <= 0 and self._trials:
                self._skip(engine.name, way.settings, "the budget was used up")
            elif (slow := self._slow(self._least(engine.name))) is not None:
                self._skip(engine.name, way.settings, f"its first try was {slow}")
            else:
                self._add(self._measured(engine, way, self._vectors, self._asked))
        self._on_step(len(ways), len(ways), "")

    def _sampled(self, ways: Sequence[tuple[Engine, Candidate]]) -> None:
        predicted = self._predictions(ways)
        order = sorted(predicted, key=lambda pair: self._promise(pair[1]))
        usual = next((pair for pair in predicted if pair[1].engine == USUAL_ENGINE), None)
        if usual is not None:  # what serves where nothing is chosen is always compared with
            order = [usual, *(pair for pair in order if pair is not usual)]
        for number, ((engine, way), trial) in enumerate(order):
            self._on_step(len(ways) + number, len(ways) + len(order), engine.name)
            is_usual = usual is not None and trial is usual[1]
            unfit = self._too_much(trial) if is_usual else self._unfit(trial)
            if unfit is None:
                self._add(self._measured(engine, way, self._vectors, self._asked))
            else:
                self._trials.append(replace(trial, skipped=unfit))
        self._on_step(len(ways) + len(order), len(ways) + len(order), "")

    def _predictions(
        self, ways: Sequence[tuple[Engine, Candidate]]
    ) -> list[tuple[tuple[Engine, Candidate], Trial]]:
        rows = len(self._vectors)
        large = min(max(rows // 8, _SAMPLE_ROWS[0]), _SAMPLE_ROWS[1])
        samples = [self._sample(size) for size in (large // 4, large)]
        until = self._budget.left - _SAMPLING_SHARE * self._budget.seconds
        found = []
        for number, (engine, way) in enumerate(ways):
            self._on_step(number, 2 * len(ways), f"{engine.name}, a sample")
            if self._budget.left <= max(0.0, until):
                self._skip(engine.name, way.settings, "the budget was used up")
                continue
            both = [self._measured(engine, way, *sample).trial for sample in samples]
            failed = next((trial for trial in both if trial.skipped), None)
            if failed is not None:
                self._trials.append(failed)
            else:
                found.append(((engine, way), carried_trial(both[0], both[1], rows)))
        return found

    def _sample(self, size: int) -> tuple[Rows, Questions]:
        drawn = np.random.default_rng(self._seed).choice(len(self._vectors), size, replace=False)
        rows = self._vectors[np.sort(drawn)]
        truth = find("exact").build(rows, self._distance, trusted=True)
        return rows, questions(
            rows, truth, k=self._wish.k, sample=len(self._asked), seed=self._seed
        )

    def _promise(self, trial: Trial) -> tuple[bool, float, float]:
        """Sorts by: reaches the recall, query time; else by recall."""
        found = candidate(trial, self._wish)
        return (
            not found.reaches,
            found.point.cpu_seconds if found.reaches else 0.0,
            -found.point.recall,
        )

    def _too_much(self, trial: Trial) -> str | None:
        """Why not even the usual index is built: a merge would build it in any case, and a sample
        of a large set is harder to search than the whole, so that it says little."""
        if self._wish.memory is not None and trial.memory > self._wish.memory:
            return f"it would need about {size_text(trial.memory)}"
        if trial.build_seconds > _USUAL_SHARE * self._budget.seconds:
            about = time_text(trial.build_seconds)
            return f"it would take about {about} to build, much more than the budget"
        return None

    def _unfit(self, trial: Trial) -> str | None:
        """Why an index is not built in full after its prediction."""
        if self._wish.memory is not None and trial.memory > self._wish.memory:
            return f"it would need about {size_text(trial.memory)}"
        if trial.build_seconds > self._budget.left:
            about, left = time_text(trial.build_seconds), time_text(self._budget.left)
            return f"it would take about {about} to build; the budget has {left} left"
        found = candidate(trial, self._wish)
        slow = self._slow(found.point.cpu_seconds if found.reaches else None)
        return None if slow is None else f"it would be {slow}"

    def _least(self, engine: str) -> float | None:
        """Least query time of an engine's trials that have the recall; None without any."""
        found = [candidate(t, self._wish) for t in self._trials if t.points and t.engine == engine]
        return min((each.point.cpu_seconds for each in found if each.reaches), default=None)

    def _slow(self, cpu_seconds: float | None) -> str | None:
        """How hopelessly slow a query time is beside the best that was measured, in words."""
        best = pick([t for t in self._trials if not t.extrapolated], self._wish)
        if cpu_seconds is None or best is None or best.unmet:
            return None
        ratio = cpu_seconds / best.best.point.cpu_seconds
        return f"{ratio:.2g} times slower than the best" if ratio > HOPELESS else None

    def _measured(self, engine: Engine, way: Candidate, vectors: Rows, asked: Questions) -> Rated:
        settings = dict(way.settings)
        try:
            began = time.perf_counter()
            index = engine.build(
                vectors, self._distance, **{"seed": self._seed, **settings, "trusted": True}
            )
            seconds = time.perf_counter() - began
            points = sweep(
                index,
                asked,
                way.efforts,
                recall_wished=self._wish.recall,
                seconds=self._budget.point,
                slowest=self._exact_seconds if len(vectors) == len(self._vectors) else math.inf,
            )
        except MitameError as error:
            return Rated(Trial(engine.name, settings, len(vectors), skipped=error.line()))
        except MemoryError:
            skipped = "there was too little memory to build it"
            return Rated(Trial(engine.name, settings, len(vectors), skipped=skipped))
        trial = Trial(engine.name, settings, len(vectors), seconds, index.memory, points)
        return Rated(trial, index)

    @property
    def _exact_seconds(self) -> float:
        """Query time of looking at all rows, where that has been measured."""
        points = [p for t in self._trials if t.engine == "exact" for p in t.points]
        return min((point.cpu_seconds for point in points), default=math.inf)

    def _add(self, rated: Rated) -> None:
        """Keep a trial, and its index while nothing better is known."""
        self._trials.append(rated.trial)
        best = pick([t for t in self._trials if not t.extrapolated], self._wish)
        if rated.index is not None and best is not None and best.best.trial is rated.trial:
            self._best = (rated.trial, rated.index)

    def _skip(self, engine: str, settings: Mapping[str, Any], why: str) -> None:
        self._trials.append(Trial(engine, dict(settings), skipped=why))
