"""What the next snapshot is to be made of: all that is live in a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base
from mitame.collection.columns import MAX_COLUMNS, Column
from mitame.collection.database import reading
from mitame.collection.lens_table import StoredLens
from mitame.collection.log import Log
from mitame.collection.rows import DEAD, LensRows
from mitame.collection.snapshot import LensPlan, SnapshotPlan
from mitame.collection.view import View

CATEGORY = "category"
_BLOCK_BYTES = 4 << 20


def plan(view: View, generation: int) -> SnapshotPlan:
    """The plan of a generation with everything that is in a view."""
    with reading(view.path):
        columns = _columns(view)
        alive, ids = _items(view)
        lenses = tuple(_lens(entry, view.lens_rows(name)) for name, entry in view.stored.items())
    return SnapshotPlan(generation, view.position, alive, ids, columns, lenses)


def _items(view: View) -> tuple[NDArray[np.bool_], list[str | None]]:
    keys = int(view.select("SELECT max(seq) FROM sqlite_sequence WHERE name = 'items'")[0][0] or 0)
    ids: list[str | None] = [None] * (keys + 1)
    alive = np.zeros(keys + 1, np.bool_)
    for key, item_id in view.each("SELECT key, id FROM items"):
        ids[key] = item_id
        alive[key] = True
    return alive, ids


def _columns(view: View) -> Mapping[str, Column]:
    """A column for each name that is in use, as many as are kept; the snapshot's go first."""
    snapshot = view.served.snapshot
    before = [] if snapshot is None else list(snapshot.columns().by_name)
    names = dict.fromkeys([CATEGORY, *before, *_names(view, since=bool(before))])
    columns = view.columns(frozenset(list(names)[:MAX_COLUMNS])).by_name
    return {n: c for n, c in columns.items() if n == CATEGORY or np.any(c.codes)}


_EACH_NAME = (
    "SELECT j.key FROM items t, json_each(t.attributes) j {}"
    " GROUP BY j.key ORDER BY count(*) DESC, j.key LIMIT ?"
)


def _names(view: View, *, since: bool) -> list[str]:
    """Names of attributes, the most used first: of all items, or of those that have changed."""
    if not since:
        return [name for (name,) in view.select(_EACH_NAME.format(""), MAX_COLUMNS)]
    changed = "WHERE t.key IN (SELECT item FROM journal WHERE position > ?)"
    rows = view.select(_EACH_NAME.format(changed), view.served.position, MAX_COLUMNS)
    return [name for (name,) in rows]


def _lens(entry: StoredLens, rows: LensRows) -> LensPlan:
    base = rows.base
    kept = np.ones(base.count, np.bool_)
    kept[rows.dead_in_base] = False
    new = np.flatnonzero(rows.owners != DEAD)
    return LensPlan(
        entry.key,
        entry.lens.name,
        entry.lens.spec,
        rows.log_rows,
        np.concatenate([base.rows[kept], new + base.log_rows]),
        np.concatenate([base.owners[kept], rows.owners[new]]),
    )


def vector_blocks(
    lens: LensPlan, base: Base, entry: StoredLens, log: Log
) -> Iterator[NDArray[np.float32]]:
    """The vectors of a plan's rows, in its order: from the older snapshot, then from the log.

    Raises:
        CorruptCollection: a row is in neither.
    """
    step = max(1, _BLOCK_BYTES // entry.log.row_bytes)
    split = int(np.searchsorted(lens.rows, base.log_rows))
    for start in range(0, split, step):
        yield base.vectors(base.places(lens.rows[start : min(start + step, split)]))
    for file, first, end in entry.log.files(base.log_rows, lens.log_rows):
        mapped = log.map(file, entry.log, end)
        here = lens.rows[np.searchsorted(lens.rows, first) : np.searchsorted(lens.rows, end)]
        for start in range(0, len(here), step):
            yield mapped[here[start : start + step] - file.first]
