"""What was measured of a collection's answers, and when: kept, to be compared over time.

``evaluations.sqlite3`` in the collection's directory. A merge adds the recall of each index that
it has made; `mitame.evaluation` adds what it measures against categories.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mitame.collection.paths import EVALUATIONS
from mitame.errors import CorruptCollection
from mitame.storage.sqlite_file import SqliteFile

Kind: TypeAlias = Literal["categories", "recall"]
MAX_OF_A_KIND = 5_000
"""That are kept, some hundred bytes each: the oldest leave."""
_TABLES = """
CREATE TABLE evaluations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    lens TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    engine TEXT NOT NULL,
    position INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    queries INTEGER NOT NULL,
    k INTEGER NOT NULL,
    measures TEXT NOT NULL
)
"""
_INSERT = (
    "INSERT INTO evaluations (at, kind, lens, fingerprint, engine, position, generation, queries,"
    " k, measures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CUT = (
    "DELETE FROM evaluations WHERE kind = :kind AND sequence <= (SELECT sequence FROM evaluations"
    " WHERE kind = :kind ORDER BY sequence DESC LIMIT 1 OFFSET :most)"
)
_SELECT = (
    "SELECT sequence, at, kind, lens, fingerprint, engine, position, generation, queries, k,"
    " measures FROM evaluations WHERE (:before IS NULL OR sequence < :before)"
    " AND (:kind IS NULL OR kind = :kind) AND (:lens IS NULL OR lens = :lens)"
    " ORDER BY sequence DESC LIMIT :limit"
)


@dataclass(frozen=True)
class Evaluation:
    """What was measured in one lens at one moment.

    Attributes:
        kind: ``categories``: do an item's neighbours have its category? ``recall``: which share of
            the true nearest does the index of a new generation find? Later versions of mitame may
            have others.
        lens: its name then.
        fingerprint: of its spec: what the vectors meant.
        engine: that answers searches in it; ``exact`` where every vector is looked at.
        position: of the journal.
        generation: number of the snapshot that answered, 0 for none.
        queries: how many items, or vectors, were asked.
        k: for how many neighbours each.
        measures: values by name, 0 to 1: ``share``, ``first``, ``found`` and ``chance`` as in
            `mitame.evaluation.categories`, or ``recall``.
        at: when, microseconds since 1970.
        sequence: later ones have greater ones; 0 before it is kept.
    """

    kind: str
    lens: str
    fingerprint: str
    engine: str
    position: int
    generation: int
    queries: int
    k: int
    measures: Mapping[str, float]
    at: int
    sequence: int = 0


class EvaluationStore:
    """The evaluations of a collection: on the disk when `add` returns, the oldest leave.

    Safe from several threads and processes. Its methods raise CollectionBusy, StorageError,
    CorruptCollection or NewerFormat where the file can't be read or written.

    Args:
        path: the collection's directory.
        most: of a kind that are kept.
    """

    def __init__(self, path: Path, most: int = MAX_OF_A_KIND) -> None:
        self._file = SqliteFile(path / EVALUATIONS, _TABLES, durable=True)
        self._most = most

    def add(self, found: Sequence[Evaluation]) -> list[Evaluation]:
        """Keep what was measured, all of it or nothing; the same with their sequence numbers."""
        if not found:
            return []
        kept = []
        with self._file.write() as connection:
            for each in found:
                sequence = connection.execute(_INSERT, _row(each)).lastrowid
                assert sequence is not None
                kept.append(replace(each, sequence=sequence))
            for kind in {each.kind for each in found}:
                connection.execute(_CUT, {"kind": kind, "most": self._most})
        return kept

    def evaluations(
        self,
        before: int | None = None,
        limit: int = 100,
        *,
        kind: str | None = None,
        lens: str | None = None,
    ) -> list[Evaluation]:
        """What was measured, the newest first.

        Args:
            before: only with a smaller sequence number.
            limit: at most so many.
            kind, lens: only those.
        """
        asked = {"before": before, "limit": limit, "kind": kind, "lens": lens}
        with self._file.read() as connection:
            if connection is None:
                return []
            return [_evaluation(row) for row in connection.execute(_SELECT, asked)]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


def _row(found: Evaluation) -> tuple[Any, ...]:
    what = (found.at, found.kind, found.lens, found.fingerprint, found.engine)
    measures = json.dumps(dict(found.measures), allow_nan=False, separators=(",", ":"))
    where = (found.position, found.generation, found.queries, found.k)
    return (*what, *where, measures)


def _evaluation(row: tuple[Any, ...]) -> Evaluation:
    sequence, at, kind, lens, fingerprint, engine, position, generation, queries, k, text = row
    try:
        measures = {str(name): float(value) for name, value in json.loads(text).items()}
        if not all(map(math.isfinite, measures.values())):
            raise ValueError("a measure is no number")
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise CorruptCollection("a stored evaluation can't be right") from error
    what = (kind, lens, fingerprint, engine, position, generation, queries, k)
    return Evaluation(*what, measures, at, sequence)
