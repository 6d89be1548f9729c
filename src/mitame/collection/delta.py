"""How large the delta of a view is."""

from __future__ import annotations

from mitame.collection.policy import DeltaCounts
from mitame.collection.view import View


def delta_counts(view: View, now: float) -> DeltaCounts:
    """What has happened since the snapshot that a view is served from.

    Args:
        view: the moment.
        now: seconds since 1970.
    """
    served, lenses = view.served, [view.lens_rows(name) for name in view.lenses]
    base_rows = sum(rows.base.count for rows in lenses)
    sql = "SELECT at FROM journal WHERE position > ? ORDER BY position LIMIT 1"
    oldest = [at for (at,) in view.select(sql, served.position) if at is not None]
    return DeltaCounts(
        view.position - served.position,
        sum(4 * rows.base.dimension * len(rows.owners) for rows in lenses),
        sum(len(rows.dead_in_base) for rows in lenses) / max(1, base_rows),
        max(0.0, now - oldest[0]) if oldest else 0.0,
        0 if served.snapshot is None else served.snapshot.items,
    )
