"""An evaluation of some lenses at one moment, in the form in which it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mitame.collection import Evaluation, EvaluationStore, View, index_status
from mitame.collection.evaluations import now
from mitame.evaluation.categories import CategoryScores, OnStep, category_scores
from mitame.feedback.events import time_text

MEASURES = ("share", "first", "found", "chance")
"""Of `CategoryScores`, that are kept."""


def evaluated(
    view: View,
    lens: str | None,
    *,
    k: int = 10,
    sample: int | None = None,
    on_step: OnStep | None = None,
) -> list[Evaluation]:
    """Measure a lens, or all: do an item's neighbours have its category?

    Args:
        view: the moment to measure.
        lens: which; when None, each in turn that has vectors.
        k: neighbours per item.
        sample: at most this many items, the same ones each time; all when None.
        on_step: called with items done and items to do, of all lenses.

    Returns:
        One for each lens, not kept yet.

    Raises:
        NoCategories: the items have fewer than two categories.
        UsageError: no item has neighbours in one of the lenses, or a value is out of range.
        UnknownLens: there is no such lens.
    """
    names = measurable(view) if lens is None else [lens]
    found: list[Evaluation] = []
    for place, name in enumerate(names):

        def told(done: int, total: int, place: int = place) -> None:
            if on_step is not None:
                on_step(place * total + done, len(names) * total)

        scores = category_scores(view, name, k=k, sample=sample, on_step=told)
        found.append(evaluation_of(view, scores))
    return found


def measurable(view: View) -> list[str]:
    """The lenses that have vectors; all where none has, so that this is told."""
    return [name for name in view.lenses if view.live(name)] or list(view.lenses)


def evaluation_of(view: View, scores: CategoryScores) -> Evaluation:
    """Scores as they are kept, with the moment at which they were measured."""
    told = scores.to_json()
    return Evaluation(
        "categories",
        scores.lens,
        view.lenses[scores.lens].spec.fingerprint,
        index_status(view, scores.lens).engine,
        view.position,
        view.generation,
        scores.items,
        scores.k,
        {name: float(told[name]) for name in MEASURES},
        now(),
    )


def to_json(found: Evaluation) -> dict[str, Any]:
    """An evaluation as a JSON object; ``at`` as RFC 3339."""
    return {**asdict(found), "measures": dict(found.measures), "at": time_text(found.at)}


def keep_evaluations(collection: Path, found: Sequence[Evaluation]) -> list[Evaluation]:
    """Keep evaluations with a collection.

    Args:
        collection: its directory.
        found: as `evaluated` gives them.

    Returns:
        The same with their sequence numbers.

    Raises:
        CollectionBusy, StorageError, CorruptCollection, NewerFormat: none of them was kept.
    """
    with closing(EvaluationStore(collection)) as store:
        return store.add(found)


def kept_evaluations(
    collection: Path,
    before: int | None = None,
    limit: int = 100,
    *,
    kind: str | None = None,
    lens: str | None = None,
) -> list[Evaluation]:
    """What is kept with a collection; see `EvaluationStore.evaluations`."""
    with closing(EvaluationStore(collection)) as store:
        return store.evaluations(before, limit, kind=kind, lens=lens)
