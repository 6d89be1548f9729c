"""The step of a merge that lays a lens's items out on a plane, from its neighbour table.

Where little has changed since the older snapshot, only new items move: a map that looks other
after each merge is no map. Where much has, all do, from where they were.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.derived import Derivation
from mitame.collection.map_part import (
    ABOUT,
    ITEMS,
    KIND,
    PLACES,
    MapFacts,
    StoredMap,
    read_facts,
    read_map,
)
from mitame.collection.neighbor_rows import StoredRows
from mitame.collection.neighbor_table import KIND as TABLE
from mitame.collection.neighbor_table import LISTS, NeighborTable
from mitame.collection.neighbor_table import read_facts as read_table_facts
from mitame.errors import CorruptCollection, NewerFormat
from mitame.projection.fuzzy_graph import FuzzyGraph
from mitame.projection.layout import epochs_for, laid_out, started
from mitame.projection.principal import Principal, drawn
from mitame.projection.trust import drawn as sampled
from mitame.projection.trust import kept

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]

FEWEST, MOST = 50, 500_000
"""Items that are laid out: of fewer, the principal axes tell as much; of more, none is shown."""
NEIGHBORS = 15
"""Of an item's list that count: as many as UMAP takes."""
_MOST_MOVED = 0.25
"""Share of items that may have got a place one by one before all are moved together again."""
_SAMPLE = 500
_BLOCK = 4_096


def build_map(derivation: Derivation) -> None:
    """Lay the items of a lens out and write where they lie, or say why there is no map.

    Raises:
        StorageError: the disk is full or read-only.
    """
    listed = _lists(derivation)
    parts, wanted = derivation.parts(KIND), 0 if listed is None else listed.k
    there = parts.read()
    with suppress(CorruptCollection):
        made = read_facts(there)
        if made is not None and made.neighbors == wanted:
            return
    del there  # mapped, and about to be removed
    parts.drop()
    if listed is None:
        parts.write({ABOUT: MapFacts(0, note=_why_not(derivation)).to_part()})
        return
    places, facts = _laid_out(derivation, listed)
    items = listed.items.astype(np.int32)
    parts.write({ITEMS: items, PLACES: places, ABOUT: facts.to_part()})


@dataclass(frozen=True)
class _Lists:
    """The nearest of each item.

    Attributes:
        items: int64[n], their keys, ascending.
        rows: int64[n], a row of each.
        neighbors: int64[n, k], places among the items; -1 where there are no more.
        distances: float32[n, k].
    """

    items: Numbers
    rows: Numbers
    neighbors: Numbers
    distances: Floats

    @property
    def k(self) -> int:
        return int(self.neighbors.shape[1])


def _lists(derivation: Derivation) -> _Lists | None:
    """What the neighbour table says; None where there is none, or there is nothing to lay out."""
    owners = derivation.plan.owners
    items, first = np.unique(owners, return_index=True)
    parts = derivation.parts(TABLE).read()
    facts = read_table_facts(parts)
    if facts is None or not facts.k or LISTS not in parts or not FEWEST <= len(items) <= MOST:
        return None
    table = NeighborTable(facts, items.astype(np.int32), parts[LISTS], len(owners))
    k = min(NEIGHBORS, facts.k)
    neighbors = np.full((len(items), k), -1, np.int64)
    distances = np.full((len(items), k), np.inf, np.float32)
    for start in range(0, len(items), _BLOCK):
        places = np.arange(start, min(start + _BLOCK, len(items)))
        rows, away = table.lists(places)
        rows, distances[places] = rows[:, :k], away[:, :k]
        there = rows >= 0
        neighbors[places] = np.where(there, np.searchsorted(items, owners[rows]), -1)
    return _Lists(items, first, neighbors, distances)


def _why_not(derivation: Derivation) -> str:
    items = len(np.unique(derivation.plan.owners))
    if items < FEWEST:
        return f"{items} items are too few to be laid out"
    if items > MOST:
        return f"{items:,} items are too many to be laid out"
    return "there is no neighbour table to lay items out from"


def _laid_out(derivation: Derivation, listed: _Lists) -> tuple[Floats, MapFacts]:
    begun = time.perf_counter()
    graph = FuzzyGraph.of(listed.neighbors, listed.distances)
    older = _older(derivation)
    epochs, moved = epochs_for(len(listed.items)), 0
    known = np.zeros(len(listed.items), np.bool_)
    start = np.zeros((len(known), 2), np.float32)
    if older is not None:
        known, start = _placed(derivation, listed, older)
        moved = older.facts.moved + int((~known).sum()) + len(older.items) - int(known.sum())
    if older is None or 2 * known.sum() < len(known):
        known[:] = False
        start = started(graph, _projected(derivation, listed))
    if known.any() and moved <= _MOST_MOVED * len(known):
        graph = graph.seen_by(~known)
        epochs = epochs if len(graph.heads) else 0
    else:
        moved = 0
    places = laid_out(graph, start, epochs, derivation.on_share) if epochs else start
    asked = sampled(len(places), _SAMPLE)
    share = kept(places, asked, listed.neighbors[asked])
    seconds = round(time.perf_counter() - begun, 3)
    return places, MapFacts(listed.k, epochs, moved, round(share, 4), len(asked), seconds)


def _older(derivation: Derivation) -> StoredMap | None:
    """The map of the older snapshot, if it can be gone on with: damage is not copied on."""
    stored = derivation.base.stored
    if stored is None or derivation.afresh:
        return None
    try:
        stored.check_optional(KIND)
        return read_map(stored)
    except (CorruptCollection, NewerFormat):
        return None


def _placed(
    derivation: Derivation, listed: _Lists, older: StoredMap
) -> tuple[NDArray[np.bool_], Floats]:
    """bool[n], items that lie where they did; and float32[n, 2], all, new ones by the others."""
    plan, found = derivation.plan, older.find(listed.items)
    new = plan.owners[plan.rows >= derivation.base.log_rows]
    known = (found >= 0) & ~np.isin(listed.items, new)
    start = np.where(known[:, np.newaxis], older.places[found], 0).astype(np.float32)
    is_near = known[listed.neighbors] & (listed.neighbors >= 0)
    near = start[listed.neighbors] * is_near[:, :, np.newaxis]
    counts = is_near.sum(axis=1)
    means = near.sum(axis=1) / np.maximum(1, counts)[:, np.newaxis]
    middle = start[known].mean(axis=0) if known.any() else np.zeros(2, np.float32)
    means = np.where((counts > 0)[:, np.newaxis], means, middle)
    return known, np.where(known[:, np.newaxis], start, means).astype(np.float32)


def _projected(derivation: Derivation, listed: _Lists) -> Floats:
    """float32[n, 2], the items on the plane of most variance."""
    source = StoredRows(derivation.vectors(), derivation.plan.spec.distance)
    plane = Principal.of(source.raw(listed.rows[drawn(len(listed.rows))]))
    blocks = range(0, len(listed.rows), _BLOCK)
    return np.concatenate(
        [plane.project(source.raw(listed.rows[at : at + _BLOCK])) for at in blocks]
    )
