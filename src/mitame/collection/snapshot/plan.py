"""What a snapshot is to be made of: everything but the vectors, at one journal position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.collection.columns import Column
from mitame.collection.snapshot.manifest import (
    MAX_COLUMNS,
    MAX_GENERATION,
    MAX_KEYS,
    MAX_LENSES,
    LensEntry,
)
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import UsageError

VectorType: TypeAlias = Literal["float32", "float16"]


@dataclass(frozen=True)
class LensPlan:
    """One lens's rows.

    Attributes:
        key: in the database.
        name, spec: the lens's.
        log_rows: rows that its log has, r_G.
        rows: int64[n], the live ones, ascending, less than `log_rows`.
        owners: int64[n], the key of each row's item, which is alive.
    """

    key: int
    name: str
    spec: EmbedderSpec
    log_rows: int
    rows: NDArray[np.int64]
    owners: NDArray[np.int64]

    @property
    def entry(self) -> LensEntry:
        """The lens as the manifest tells it."""
        return LensEntry(self.key, self.name, self.spec, self.log_rows, len(self.rows))


@dataclass(frozen=True)
class SnapshotPlan:
    """Everything but the vectors.

    Attributes:
        generation: 1 to 999,999.
        position: of the journal, p_G.
        alive: bool[keys]: there is an item with this key.
        ids: by key; None where not alive.
        columns: by name, at most `MAX_COLUMNS`; codes of all keys. ``category`` is one of them.
        lenses: at least one.
    """

    generation: int
    position: int
    alive: NDArray[np.bool_]
    ids: Sequence[str | None]
    columns: Mapping[str, Column]
    lenses: tuple[LensPlan, ...]


@dataclass(frozen=True)
class Planned:
    """What an interrupted build was to be made of, as far as going on needs it.

    Attributes:
        generation, position, lenses: as in `SnapshotPlan`.
        created: seconds since 1970, when it was planned.
        items: how many are alive.
        missing: keys of the lenses whose vectors are still to be written.
    """

    generation: int
    position: int
    created: int
    items: int
    lenses: tuple[LensPlan, ...]
    missing: frozenset[int]


def check(plan: SnapshotPlan) -> None:
    """Look whether a plan agrees with itself.

    Raises:
        UsageError: saying what does not.
    """
    keys = len(plan.alive)
    wrong = [
        (not 1 <= plan.generation <= MAX_GENERATION, "its generation"),
        (plan.position < 0, "its position"),
        (not 1 <= keys <= MAX_KEYS or plan.alive.dtype != np.bool_, "its keys"),
        (len(plan.ids) != keys, "its ids"),
        (len(plan.columns) > MAX_COLUMNS, f"its columns: more than {MAX_COLUMNS}"),
        (not 1 <= len(plan.lenses) <= MAX_LENSES, "its lenses"),
        (len({lens.key for lens in plan.lenses}) != len(plan.lenses), "its lenses' keys"),
        (any(len(c.codes) != keys for c in plan.columns.values()), "a column's length"),
        *((not _rows_fit(lens, plan.alive), f"lens {lens.name!r}") for lens in plan.lenses),
    ]
    for is_wrong, what in wrong:
        if is_wrong:
            raise UsageError(f"a snapshot can't be made of this plan: {what}")


def _rows_fit(lens: LensPlan, alive: NDArray[np.bool_]) -> bool:
    rows, owners = lens.rows, lens.owners
    if rows.shape != owners.shape or rows.ndim != 1:
        return False
    if not len(rows):
        return True
    within = rows[0] >= 0 and rows[-1] < lens.log_rows and owners.min() >= 0
    ascending = bool((rows[1:] > rows[:-1]).all())
    return bool(within) and ascending and owners.max() < len(alive) and bool(alive[owners].all())
