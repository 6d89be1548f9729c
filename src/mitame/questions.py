"""A question in all its forms, and its answer: by items, by vectors, by examples."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection import View
from mitame.collection.item import check_id
from mitame.distances import check_vectors
from mitame.errors import ItemNotFound, UnknownLens, UsageError
from mitame.filters import Filter
from mitame.mixing import MAX_WEIGHT, NEGATIVE_WEIGHT, mixed
from mitame.refining import Refinement, refined
from mitame.search import Answer, Query, check_effort, check_limit, search, similar

Floats = NDArray[np.float32]
Example: TypeAlias = str | Floats
"""An item by its id, or a vector, float32[dimension]."""
MAX_EXAMPLES = 100


@dataclass(frozen=True)
class Question:
    """What is asked: either what is near something, or what is like examples.

    Attributes:
        lens: its name.
        near: what the answer is to be near; an item counts with the nearest of its images to any
            image of any of these.
        positive: examples of what is looked for, mixed to one vector (`mitame.mixing`); an item
            of several images counts with their mean.
        negative: examples of what is not; only beside positive ones.
        negative_weight: see `mitame.mixing.mixed`.
        limit: how many neighbours, 1 to 10,000; 1 to 1,000 with a refinement.
        where: only items that pass.
        score_threshold: only items with at least this score.
        refinement: diversity, near-copies once.
        effort, exact: as in `mitame.search.Query`.

    Items that the question names are never in its answer.
    """

    lens: str
    near: tuple[Example, ...] = ()
    positive: tuple[Example, ...] = ()
    negative: tuple[Example, ...] = ()
    negative_weight: float = NEGATIVE_WEIGHT
    limit: int = 10
    where: Filter | None = None
    score_threshold: float | None = None
    refinement: Refinement = field(default_factory=Refinement)
    effort: float | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        check_limit(self.limit)
        check_effort(self.effort)
        if bool(self.near) == bool(self.positive) or (self.near and self.negative):
            raise UsageError(
                "a question needs either something to be near or positive examples",
                remedy="give one of them; negative examples only beside positive ones",
            )
        count = len(self.near) + len(self.positive) + len(self.negative)
        if count > MAX_EXAMPLES:
            raise UsageError(f"a question has {count} examples", remedy=f"use 1 to {MAX_EXAMPLES}")
        if not 0 <= self.negative_weight <= MAX_WEIGHT:
            raise UsageError(
                f"negative_weight is {self.negative_weight!r}", remedy=f"use 0 to {MAX_WEIGHT:g}"
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """The items that it names."""
        named = (*self.near, *self.positive, *self.negative)
        return tuple(each for each in named if isinstance(each, str))


@dataclass(frozen=True)
class Answered:
    """An answer and what it was found with.

    Attributes:
        answer: the neighbours.
        vectors: float32[m, dimension], what was searched with; None where the items' own vectors
            were and nothing had to be looked up.
        candidates: neighbours that the answer was chosen from.
    """

    answer: Answer
    vectors: Floats | None
    candidates: int


def ask(view: View, question: Question) -> Answered:
    """Answer a question.

    Raises:
        UnknownLens: there is no such lens.
        ItemNotFound: an item that it names is not there.
        InvalidVector: an example that can't be one, or examples that cancel each other out.
        UsageError: with a refinement, a limit over 1,000.
    """
    started = time.perf_counter()
    if question.lens not in view.lenses:
        raise UnknownLens(f"the collection has no lens {question.lens!r}")
    alone = question.near[0] if len(question.near) == 1 else None
    vectors = None if isinstance(alone, str) else _vectors(view, question)
    if vectors is not None and not len(vectors):
        reason = f"no item of the question has a vector for lens {question.lens!r}"
        nothing = Answer((), False, reason, 0.0, True, view.position, question.lens)
        return Answered(nothing, vectors, 0)
    candidates = 0

    def find(limit: int) -> Answer:
        nonlocal candidates
        found = _found(view, question, vectors, limit)
        candidates = len(found.neighbors)
        return found

    if question.refinement.wanted:
        answer = refined(view, find, question.limit, question.refinement)
    else:
        answer = find(question.limit)
    took = (time.perf_counter() - started) * 1_000
    return Answered(replace(answer, took_ms=took), vectors, candidates)


def _found(view: View, question: Question, vectors: Floats | None, limit: int) -> Answer:
    if vectors is None:
        return similar(
            view,
            check_id(question.near[0]),
            lens=question.lens,
            limit=limit,
            where=question.where,
            score_threshold=question.score_threshold,
            effort=question.effort,
            exact=question.exact,
        )
    query = Query(
        question.lens,
        vectors,
        limit,
        question.where,
        frozenset(question.ids),
        question.score_threshold,
        question.effort,
        question.exact,
    )
    return search(view, query)


def _vectors(view: View, question: Question) -> Floats:
    """What to search with, float32[m, dimension]; m is 0 where the items have no vector."""
    _check_there(view, question.ids)
    spec = view.lenses[question.lens].spec
    if question.near:
        parts = [_of(view, each, question.lens, spec.dimension) for each in question.near]
        return np.concatenate(parts)
    positive, negative = (
        _means(view, examples, question.lens, spec.dimension)
        for examples in (question.positive, question.negative)
    )
    if not len(positive):
        return positive
    return mixed(positive, negative, question.negative_weight, spec.distance)[np.newaxis]


def _check_there(view: View, ids: Sequence[str]) -> None:
    known = view.keys([check_id(each) for each in ids])
    for each in ids:
        if each not in known:
            raise ItemNotFound(f"no item {each[:100]!r}")


def _of(view: View, example: Example, lens: str, dimension: int) -> Floats:
    """The vectors of an example, float32[n, dimension]; an item may have none."""
    if isinstance(example, str):
        return view.vectors(example, lens)
    return check_vectors(example[np.newaxis], dimension)


def _means(view: View, examples: Sequence[Example], lens: str, dimension: int) -> Floats:
    """One row per example that has a vector, float32[n, dimension]."""
    means = [
        found.mean(axis=0, dtype=np.float64)
        for found in (_of(view, each, lens, dimension) for each in examples)
        if len(found)
    ]
    return np.array(means, np.float32).reshape(-1, dimension)
