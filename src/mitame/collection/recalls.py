"""The recall that a merge has measured of the indexes that it made, kept over generations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from mitame.collection.base_index import ABOUT, KIND, IndexFacts
from mitame.collection.evaluations import Evaluation, EvaluationStore, now
from mitame.collection.snapshot import Snapshot, SnapshotLens


def keep_recalls(path: Path, generation: int, snapshot: Snapshot) -> None:
    """Keep the recall of each lens's index; a lens without one is searched exactly.

    Args:
        path: the collection's directory.
        generation: the snapshot's number.
        snapshot: that was just made.

    Raises:
        CollectionBusy, StorageError, CorruptCollection, NewerFormat: it can't be kept.
    """
    with closing(EvaluationStore(path)) as store:
        store.add(list(_recalls(generation, snapshot)))


def _recalls(generation: int, snapshot: Snapshot) -> Iterator[Evaluation]:
    for lens in snapshot.lenses.values():
        facts = _facts(lens)
        if facts is not None and facts.problem is None and facts.sample:
            yield Evaluation(
                "recall",
                lens.name,
                lens.spec.fingerprint,
                facts.engine,
                snapshot.position,
                generation,
                facts.sample,
                facts.wanted.k,
                {"recall": facts.recall},
                now(),
            )


def _facts(lens: SnapshotLens) -> IndexFacts | None:
    parts = lens.optional(KIND)
    return IndexFacts.from_part(parts[ABOUT], f"lens {lens.name!r}") if ABOUT in parts else None
