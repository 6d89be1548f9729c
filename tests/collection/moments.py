"""What a collection shows at a moment, as plain values that can be compared."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from mitame.collection import Store, View
from mitame.search import Query, search
from tests.collection.made import noise

Moment: TypeAlias = tuple[Any, ...]


def moment(store: Store) -> Moment:
    """Position, lenses, and all items with their vectors; not which generation answers."""
    with store.pin() as view:
        return of_view(view)


def of_view(view: View) -> Moment:
    """As `moment`, of a view."""
    items = {item.id: item for item in view.items()}
    vectors = {
        (item_id, lens): view.vectors(item_id, lens).tobytes()
        for item_id in items
        for lens in view.lenses
    }
    lenses = [(name, lens.spec.fingerprint) for name, lens in view.lenses.items()]
    return view.position, lenses, repr(items), vectors


def answers(store: Store, limit: int = 5) -> list[list[tuple[str, float]]]:
    """What a query of each lens answers."""
    with store.pin() as view:
        found = []
        for name, lens in view.lenses.items():
            query = noise(1, lens.spec.dimension)[np.newaxis]
            answer = search(view, Query(name, query, limit))
            found.append([(n.id, n.distance) for n in answer.neighbors])
        return found
