"""Tunes a lens of a collection: its live vectors in, a choice and a report kept with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from mitame.choosing.report import write_report
from mitame.choosing.trials import OnStep
from mitame.choosing.tuner import Tuning, tune
from mitame.choosing.wish import Wish
from mitame.collection import Store, View
from mitame.engines.protocol import Rows

_STRANGERS = 0.1
"""Share of rows that may differ between what is mapped and what is live."""


def tune_lens(
    store: Store,
    lens: str,
    wish: Wish,
    *,
    engines: Sequence[str] | None = None,
    budget: float | None = None,
    on_step: OnStep = lambda *_: None,
) -> tuple[Tuning, Path]:
    """Measure engines on a lens's vectors and keep the choice, which the next merge builds.

    Nothing is kept where it is interrupted.

    Args:
        store: the collection; others may read and write meanwhile.
        lens: its name.
        wish, engines, budget, on_step: as in `mitame.choosing.tuner.tune`.

    Returns:
        What was found, and the report's page.

    Raises:
        UnknownLens: no such lens.
        UsageError, MissingExtra: as `mitame.choosing.tuner.tune`.
        StorageError: the disk is full or read-only.
    """
    with live_vectors(store, lens) as vectors:
        distance = store.lenses[lens].spec.distance
        tuning = tune(vectors, distance, wish, engines=engines, budget=budget, on_step=on_step)
    page = write_report(tuning, store.path, lens)
    store.choose(lens, tuning.choice)
    return tuning, page


@contextmanager
def live_vectors(store: Store, lens: str) -> Iterator[Rows]:
    """The vectors of a lens, float32[rows, dimension], for the length of a with block.

    They are the snapshot's, mapped, where hardly any of them is dead and hardly any is newer; else
    the live ones, copied into memory.

    Raises:
        UnknownLens: no such lens.
    """
    with ExitStack() as kept:
        with store.pin() as view:
            vectors = _vectors(view, lens)
            kept.enter_context(store.keep(view))
        yield vectors


def _vectors(view: View, lens: str) -> Rows:
    rows = view.lens_rows(lens)
    stored = rows.base.stored
    is_float32 = stored is not None and stored.vectors.dtype == np.float32
    strangers = rows.dead + len(rows.owners)
    if stored is not None and is_float32 and strangers <= _STRANGERS * rows.base.count:
        return stored.vectors.view(np.float32)
    live = np.arange(rows.count) if rows.live is None else np.flatnonzero(rows.live)
    return rows.vectors_of(live)
