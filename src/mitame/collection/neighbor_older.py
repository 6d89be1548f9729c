"""The older snapshot's neighbour table, as far as a merge can go on with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.collection.derived import Derivation
from mitame.collection.neighbor_changes import ChangedRows, Changes, surviving
from mitame.collection.neighbor_exact import ExactLists, IdOf
from mitame.collection.neighbor_lists import CurrentLists
from mitame.collection.neighbor_table import KIND, NONE, StoredTable, read_table
from mitame.collection.snapshot import SnapshotLens
from mitame.errors import CorruptCollection, NewerFormat

Numbers = NDArray[np.int64]

EXACT_UP_TO = 200_000
"""Rows up to which all are compared with all; above, an engine's index finds the lists."""
_MOST_STALE = 0.25
"""Share of changed items above which comparing all with all is quicker."""


def older_lists(derivation: Derivation, exact: ExactLists) -> CurrentLists | None:
    """The older table after the changes until this snapshot; None where it is of no use.

    Vectors that float16 rounds are rounded anew at each merge, so that older distances are not
    what a search gives; and a damaged list must not be copied on.
    """
    stored = derivation.base.stored
    before = None if stored is None or derivation.afresh else _whole_table(stored)
    if stored is None or before is None or exact.source.stored.dtype != np.float32:
        return None
    if not before.table.facts.exact and len(derivation.plan.rows) <= EXACT_UP_TO:
        return None  # there are few enough now to do better
    changes, renumbered = _changes(derivation, before, stored, exact.id_of)
    if np.count_nonzero(changes.stale) > _MOST_STALE * len(before.items.items):
        return None
    return CurrentLists(before, changes, renumbered)


def _whole_table(stored: SnapshotLens) -> StoredTable | None:
    if stored.vectors.dtype != np.float32:
        return None
    try:
        stored.check_optional(KIND)
        return read_table(stored)
    except (CorruptCollection, NewerFormat):
        return None


def _changes(
    derivation: Derivation, before: StoredTable, stored: SnapshotLens, id_of: IdOf
) -> tuple[Changes, Numbers]:
    """The changes between two snapshots, and what the older one's rows are in the newer one."""
    plan = derivation.plan
    renumbered = derivation.kept()
    there = renumbered != NONE
    new = np.arange(int(np.searchsorted(plan.rows, stored.log_rows)), len(plan.rows))
    keys = int(max(plan.owners.max(initial=0), before.owners.max(initial=0))) + 1
    stale = np.zeros(keys, np.bool_)
    stale[before.owners[~there]] = True
    stale[plan.owners[new]] = True
    touched = stale.copy()
    touched[_renamed(before, stored, id_of)] = True
    left = renumbered[surviving(before.items, touched, np.flatnonzero(~there))]
    numbers = np.concatenate([left, new])
    vectors = derivation.vectors().view(np.float32)[numbers]
    rows = ChangedRows(numbers, plan.owners[numbers], vectors, vectors, plan.spec.distance)
    nothing = np.empty(0, np.int64)
    changes = Changes(0, stale, touched, (rows,) if len(numbers) else (), nothing)
    return changes, renumbered


def _renamed(before: StoredTable, stored: SnapshotLens, id_of: IdOf) -> Numbers:
    """Keys of items whose id is another now; of one that is gone, it does not matter."""
    older = stored.ids
    keys = before.items.items.tolist()
    return np.array([key for key in keys if older[key] != id_of(key)], np.int64)
