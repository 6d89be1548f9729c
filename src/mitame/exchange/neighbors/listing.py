"""The list of every item at one moment, by item id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mitame.collection import ItemList, View, searched
from mitame.distances import Distance, score
from mitame.search import similar


@dataclass(frozen=True)
class ListedNeighbor:
    """One neighbour of an item.

    Attributes:
        id: the neighbour's.
        distance: by the lens's metric.
        score: how alike, higher is nearer; `mitame.distances.score`.
        category: the neighbour's.
    """

    id: str
    distance: float
    score: float
    category: str | None

    def to_json(self) -> dict[str, Any]:
        """As files and keys have it."""
        return {
            "neighbor": self.id,
            "distance": self.distance,
            "score": self.score,
            "category": self.category,
        }


@dataclass(frozen=True)
class NeighborsOf:
    """An item with its nearest, nearest first, ties by id.

    Attributes:
        id: the item's.
        neighbors: at most as many as were asked for.
        searched: the neighbour table did not know them, a search did.
        exact: they are the true nearest.
    """

    id: str
    neighbors: tuple[ListedNeighbor, ...]
    searched: bool
    exact: bool


def lists(view: View, lens: str, limit: int) -> Iterator[NeighborsOf]:
    """The lists of all items that have a vector of a lens, as a search by id answers them.

    Ids and categories of all items are held in memory: some hundred bytes per item.

    Args:
        view: the moment.
        lens: which.
        limit: neighbours per item, at least 1.
    """
    known = {key: (name, kind) for key, name, kind in view.each(_NAMES)}
    metric = view.lenses[lens].spec.distance
    for page in view.item_pages(""):
        keys = [row[0] for row in page]
        listed = dict(zip(keys, view.listed(lens, keys, limit), strict=True))
        unknown = [key for key, found in listed.items() if found is None]
        missing = set(unknown)
        listed |= zip(unknown, searched(view, lens, unknown, limit), strict=True)
        for key, found in listed.items():
            item_id = known[key][0]
            if found is not None:
                neighbors = _listed(found, known, metric)[:limit]
                yield NeighborsOf(item_id, neighbors, key in missing, found.exact)
            elif view.rows_of(lens, [key]).size:
                yield _alone(view, item_id, lens, limit)


_NAMES = "SELECT key, id, category FROM items"


def _listed(
    found: ItemList, known: Mapping[int, tuple[str, str | None]], metric: Distance
) -> tuple[ListedNeighbor, ...]:
    named = [known[key] for key in found.owners.tolist()]
    pairs = [
        (away, name, category)
        for away, (name, category) in zip(found.distances.tolist(), named, strict=True)
    ]
    pairs.sort(key=lambda pair: pair[:2])
    return tuple(
        ListedNeighbor(name, away, score(away, metric), category) for away, name, category in pairs
    )


def _alone(view: View, item_id: str, lens: str, limit: int) -> NeighborsOf:
    """By a search of its own: the others of its page were not enough to be sure."""
    answer = similar(view, item_id, lens=lens, limit=limit)
    neighbors = tuple(
        ListedNeighbor(each.id, each.distance, each.score, each.category)
        for each in answer.neighbors
    )
    return NeighborsOf(item_id, neighbors, searched=True, exact=answer.exact)
