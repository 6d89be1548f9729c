"""From rows and a wish to a choice: measure, pick, ask again with fresh questions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mitame.choosing.measurement import Point, Trial
from mitame.choosing.pick import Candidate, Picked, pick, reason
from mitame.choosing.sweeping import measure
from mitame.choosing.trials import Budget, OnStep, Trials
from mitame.choosing.wish import Wish
from mitame.collection import Choice
from mitame.collection.indexing import asked_of
from mitame.distances import Distance
from mitame.engines import catalog
from mitame.engines.measuring import Questions
from mitame.engines.protocol import Engine, Index, Rows
from mitame.errors import MissingExtra, UsageError

BUDGET_SECONDS = (20.0, 600.0)
"""What a tuning may take for few numbers and for many, where nothing else is said."""
_FLOATS_PER_SECOND = 5_000_000
_ROWS_PER_SECOND = 2_500
"""A graph over a million rows takes minutes to build, and is worth them."""
QUESTIONS = 400
"""Rows that are asked: half of them while measuring, the others afterwards."""


@dataclass(frozen=True)
class Tuning:
    """What a tuning found out.

    Attributes:
        choice: the engine, its settings and its effort.
        point: how it did with fresh questions; as predicted where it was not built in full.
        trials: all that was measured, predicted or skipped.
        wish: what was wished for.
        rows, dimension, distance: of the lens.
        questions: how many rows were asked, in all.
        seconds: it took.
    """

    choice: Choice
    point: Point
    trials: tuple[Trial, ...]
    wish: Wish
    rows: int
    dimension: int
    distance: Distance
    questions: int
    seconds: float


def tune(
    vectors: Rows,
    distance: Distance,
    wish: Wish,
    *,
    engines: Sequence[str] | None = None,
    budget: float | None = None,
    seed: int = 0,
    on_step: OnStep = lambda *_: None,
) -> Tuning:
    """The best way to search rows, measured on themselves.

    Args:
        vectors: float32[rows, dimension], at least two rows, finite, and of unit length for
            cosine; mapped or not.
        distance: between them.
        wish: what it must do.
        engines: names in the catalogue; all that are installed where None. Exact search is always
            measured, and chosen where none of these does it.
        budget: seconds it may take, builds under way are not broken off; where None, as many as
            suit the size (`usual_budget`).
        seed: of all that is drawn.
        on_step: called with steps done, steps in all and what is done now.

    Raises:
        UsageError: fewer than two rows, or an engine that isn't in the catalogue.
        MissingExtra: a named engine's library is not installed.
    """
    if len(vectors) < 2:
        raise UsageError("there is nothing to measure with fewer than two vectors")
    began = time.perf_counter()
    running = Budget(usual_budget(*vectors.shape) if budget is None else budget)
    known, missing = installed(engines)
    on_step(0, 1 + len(known), "the truth")
    asked = asked_of(vectors, distance, wish.k, most=QUESTIONS, seed=seed)
    half = max(1, len(asked) // 2)
    trials = Trials(
        vectors, distance, asked.part(0, half), wish, running, seed=seed, on_step=on_step
    )
    found = trials.run(known)
    picked = pick(_allowed(found, engines), wish) or pick(found, wish)
    assert picked is not None  # exact search always has a point
    index = trials.index_of(picked.best.trial)
    if index is None and not picked.best.trial.extrapolated:
        index = _rebuilt(picked.best, vectors, distance, seed)
    sure = _asked_again(picked.best, index, asked.part(half, len(asked)), wish, running.point)
    final = Picked(sure, picked.unmet)
    return Tuning(
        _choice(final, found, wish),
        sure.point,
        (*found, *missing),
        wish,
        len(vectors),
        vectors.shape[1],
        distance,
        len(asked),
        time.perf_counter() - began,
    )


def usual_budget(rows: int, dimension: int) -> float:
    """Seconds for a lens with so many vectors."""
    least, most = BUDGET_SECONDS
    return min(most, least + rows * dimension / _FLOATS_PER_SECOND + rows / _ROWS_PER_SECOND)


def installed(names: Sequence[str] | None) -> tuple[list[Engine], list[Trial]]:
    """The engines to measure, exact search among them, and those whose library is missing.

    Raises:
        UsageError, MissingExtra: one was named that is not known or not installed.
    """
    if names is not None:
        named = [catalog.find(name) for name in dict.fromkeys(names)]
        for engine in named:
            engine.check()
        return [*named, *([] if "exact" in names else [catalog.find("exact")])], []
    there, missing = [], []
    for engine in catalog.ENGINES.values():
        try:
            engine.check()
            there.append(engine)
        except MissingExtra as error:
            missing.append(Trial(engine.name, skipped=error.line()))
    return there, missing


def _allowed(trials: Sequence[Trial], engines: Sequence[str] | None) -> list[Trial]:
    return [trial for trial in trials if engines is None or trial.engine in engines]


def _rebuilt(best: Candidate, vectors: Rows, distance: Distance, seed: int) -> Index:
    settings = {"seed": seed, **best.trial.settings, "trusted": True}
    return catalog.find(best.trial.engine).build(vectors, distance, **settings)


def _asked_again(
    best: Candidate, index: Index | None, fresh: Questions, wish: Wish, seconds: float
) -> Candidate:
    """The candidate with the least effort that has the recall with questions it wasn't picked by.

    One whose index was not built stays as it was predicted.
    """
    if index is None or not len(fresh) or best.trial.engine == "exact":
        return best
    for effort in (best.point.effort, *best.harder):
        point = measure(index, fresh, effort, seconds=seconds)
        if point.recall >= wish.recall:
            break
    return replace(best, point=point)


def _choice(picked: Picked, trials: Sequence[Trial], wish: Wish) -> Choice:
    best = picked.best
    settings = dict(best.trial.settings)
    effort = None if best.trial.engine == "exact" else best.point.effort
    why = reason(picked, trials, wish)
    return Choice(best.trial.engine, settings, effort, wish.recall, wish.k, why[:1_000])
