"""The step of a merge that builds a lens's index with the engine chosen for it, or extends it.

Where nobody has chosen, the number of rows does. Whatever goes wrong but the disk, the snapshot is
made: without an index its rows are searched exactly, and its description says why.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base_index import ABOUT, KIND, BaseIndex, IndexFacts, open_index
from mitame.collection.choice import Choice
from mitame.collection.composite import exact_index
from mitame.collection.derived import Derivation
from mitame.collection.extending import older_index
from mitame.collection.snapshot.part import Array
from mitame.distances import Distance
from mitame.engines import catalog
from mitame.engines.measuring import Questions, questions, recall
from mitame.engines.protocol import Engine, Index
from mitame.errors import MitameError, StorageError

SCANNED_FLOATS = 8 << 20
"""Numbers that an exact search looks at in about a millisecond on one core; no index is needed."""
USUAL_ENGINE = "cascade"
"""What serves above that where nobody has chosen, if this mitame has it."""
SAMPLE = 200
SEED = 0
_FEWEST = 60
_TRUTH_FLOATS = 1 << 38
"""Multiplications that finding out the truth may take: seconds on two cores."""
_HARDER = (0.35, 0.5, 0.65, 0.8, 0.9, 1.0)
_HALF = "the vectors are kept as float16, which engines can't index yet"
Wide: TypeAlias = NDArray[np.float32]
Made: TypeAlias = tuple[Index, IndexFacts]


def build_index(derivation: Derivation) -> None:
    """Build and write the index of a lens, where it is to have one.

    Raises:
        StorageError: the disk is full or read-only.
    """
    wanted, is_chosen = usual_or_chosen(derivation)
    parts = derivation.parts(KIND)
    there = parts.read()
    if wanted is None:
        if there:
            parts.drop()
    elif not _is_made(there, wanted, is_chosen, len(derivation.plan.rows)):
        del there  # mapped, and about to be removed
        parts.drop()
        parts.write(_built(derivation, wanted, is_chosen))


def built_index(derivation: Derivation) -> BaseIndex:
    """The index that `build_index` has written, over the vectors of the snapshot being built.

    For steps after it. Don't keep it beyond the step.
    """
    where = f"lens {derivation.plan.name!r}"
    parts = derivation.parts(KIND).read()
    return open_index(derivation.vectors(), derivation.plan.spec.distance, parts, where)


def usual_or_chosen(derivation: Derivation) -> tuple[Choice | None, bool]:
    """What to build, None for nothing; and whether it was chosen rather than being usual."""
    rows, spec = len(derivation.plan.rows), derivation.plan.spec
    choice = derivation.lens.choice
    if rows < 2 or (choice is not None and choice.is_plain):
        return None, True
    if choice is not None:
        return choice, True
    return usual(rows, spec.dimension, spec.distance), False


def usual(rows: int, dimension: int, distance: Distance) -> Choice | None:
    """What serves so many rows where nobody has chosen; None where an exact scan is quick."""
    engine = catalog.ENGINES.get(USUAL_ENGINE)
    if engine is None or distance not in engine.abilities.distances:
        return None
    if rows * dimension <= SCANNED_FLOATS:
        return None
    settings = engine.candidates(rows, dimension)[0].settings
    return Choice(engine.name, settings, why=f"usual for {rows:,} rows; compare with: mitame tune")


def _is_made(there: Mapping[str, Array], wanted: Choice, is_chosen: bool, rows: int) -> bool:
    """Whether an interrupted merge has made just this."""
    if ABOUT not in there:
        return False
    try:
        facts = IndexFacts.from_part(there[ABOUT], "an interrupted merge")
    except MitameError:
        return False
    same = facts.wanted == wanted and facts.chosen == is_chosen
    return same and facts.rows == rows and facts.problem is None


def _built(derivation: Derivation, wanted: Choice, is_chosen: bool) -> dict[str, Array]:
    """All parts of the index, its description too."""
    vectors = derivation.vectors()
    try:
        if vectors.dtype == np.float16:
            return _exact_instead(wanted, len(vectors), is_chosen, _HALF)
        engine = catalog.find(wanted.engine)
        engine.check()
        return _Building(derivation, wanted, is_chosen, engine).parts()
    except StorageError:
        raise
    except MitameError as error:
        return _exact_instead(wanted, len(vectors), is_chosen, error.line())
    except MemoryError:
        return _exact_instead(wanted, len(vectors), is_chosen, "there is too little memory for it")


@dataclass(frozen=True)
class _Building:
    """One index that is being made, by an engine that is there."""

    derivation: Derivation
    wanted: Choice
    is_chosen: bool
    engine: Engine

    def parts(self) -> dict[str, Array]:
        """The older index extended where that is possible and good enough; else one built anew."""
        index, facts = self._extended() or self._anew()
        return {**index.save(), ABOUT: facts.to_part()}

    def _extended(self) -> Made | None:
        older = older_index(self.derivation, self.wanted, self.engine)
        if older is None:
            return None
        started = time.perf_counter()
        index = older.extended(self.engine, self._vectors, self._distance, **self._settings)
        if index is None:
            return None
        made = index, self._measured(index, started, older.changed)
        return None if older.is_worse(made[1]) else made

    def _anew(self) -> Made:
        started = time.perf_counter()
        index = self.engine.build(self._vectors, self._distance, **self._settings)
        return index, self._measured(index, started, 0)

    def _measured(self, index: Index, started: float, extended: int) -> IndexFacts:
        seconds = time.perf_counter() - started
        self.derivation.on_share(0.8)
        facts = IndexFacts(
            self.wanted,
            self.is_chosen,
            self.wanted.engine,
            self.wanted.effort,
            recall=0.0,
            sample=0,
            build_seconds=round(seconds, 3),
            memory=index.memory,
            rows=len(self._vectors),
            extended=extended,
        )
        return measured(index, self._vectors, self._distance, facts)

    @property
    def _vectors(self) -> Wide:
        return self.derivation.vectors().view(np.float32)

    @property
    def _distance(self) -> Distance:
        return self.derivation.plan.spec.distance

    @property
    def _settings(self) -> dict[str, Any]:
        return {**self.wanted.settings, "trusted": True}


def _exact_instead(wanted: Choice, rows: int, is_chosen: bool, why: str) -> dict[str, Array]:
    """No index, but a description that says why the wanted one is not there."""
    problem = f"{wanted.engine} was wanted, but: {why}"
    facts = IndexFacts(wanted, is_chosen, "exact", None, 1.0, 0, 0.0, 0, rows, problem)
    return {ABOUT: facts.to_part()}


def measured(index: Index, vectors: Wide, distance: Distance, facts: IndexFacts) -> IndexFacts:
    """The facts with the recall on rows drawn at random, found again the same each time.

    Where the chosen effort does not reach the recall that was wished for, as the rows have become
    more or others, the least effort of a few that does is taken.
    """
    asked = asked_of(vectors, distance, facts.wanted.k, most=SAMPLE, seed=SEED)
    tried: list[float | None] = [facts.effort]
    tried += [e for e in _HARDER if facts.effort is None or e > facts.effort]
    best = facts
    for effort in tried:
        found = _recall(index, asked, effort)
        if effort == facts.effort or found > best.recall:
            best = replace(facts, effort=effort, recall=round(found, 4), sample=len(asked))
        if found >= facts.wanted.recall:
            break
    return best


def asked_of(vectors: Wide, distance: Distance, k: int, *, most: int, seed: int) -> Questions:
    """Questions in a random order, with the truth: fewer of them where finding it takes long.

    Args:
        vectors: float32[rows, dimension], at least two rows; trusted.
        distance: between them.
        k: how many neighbours.
        most: at most so many are asked.
        seed: of the draw.
    """
    sample = max(_FEWEST, min(most, _TRUTH_FLOATS // max(1, vectors.size)))
    truth = exact_index(vectors, distance)
    return questions(vectors, truth, k=k, sample=sample, seed=seed)


def _recall(index: Index, asked: Questions, effort: float | None) -> float:
    return recall(index.search(asked.queries, asked.asked, effort=effort), asked)
