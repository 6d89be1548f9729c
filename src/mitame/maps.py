"""A collection as a map: each item a point on a plane, near to those that look like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mitame.collection import View
from mitame.errors import UnknownLens
from mitame.filters import Filter
from mitame.placing import Floats, Method, Numbers, items_of, placing

NO_CATEGORY = -1


@dataclass(frozen=True)
class ItemMap:
    """Where the items of a collection lie at a moment.

    Attributes:
        lens: its name.
        method: ``layout``: items lie beside their neighbours, as the last merge laid them out.
            ``principal``, where there is no layout: they are projected on the two principal
            axes of their vectors.
        ids: of the items, in no order that means anything.
        places: float32[n, 2], 0 to 1: from the left, and from the top.
        categories: the distinct ones.
        codes: int64[n], the place of each item's category among them; -1 for none.
        total: items with a vector that pass, also those beyond the limit.
        complete: every item that was to be shown is there; else ask again.
        generation: that answered.
        position: of the journal.
    """

    lens: str
    method: Method
    ids: tuple[str, ...]
    places: Floats
    categories: tuple[str, ...]
    codes: Numbers
    total: int
    complete: bool
    generation: int
    position: int


def item_map(
    view: View, lens: str, where: Filter | None = None, *, limit: int | None = None
) -> ItemMap:
    """The map of the items that pass; a filter moves no item.

    Args:
        view: the moment.
        lens: its name.
        where: only these.
        limit: at most so many, drawn evenly and mostly the same from one moment to the next.

    Raises:
        UnknownLens: no such lens.
    """
    if lens not in view.lenses:
        raise UnknownLens(f"the collection has no lens {lens!r}")
    items = items_of(view, lens)
    found = placing(view, lens, items)
    passing = items
    if where is not None:
        passing = items[view.columns(where.keys).match(where, items.keys)]
    shown = passing if limit is None else passing[_chosen(passing.keys, limit)]
    categories, codes = _categories(view, shown.keys)
    return ItemMap(
        lens,
        found.method,
        _ids(view, shown.keys),
        found.places(shown),
        categories,
        codes,
        len(passing.keys),
        True,
        view.generation,
        view.position,
    )


def _chosen(keys: Numbers, limit: int) -> Numbers:
    """Places of at most so many keys: a hash decides, so that a new item moves few others out."""
    if len(keys) <= limit:
        return np.arange(len(keys))
    mixed = (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    return np.sort(np.argpartition(mixed, limit)[:limit])


def _categories(view: View, keys: Numbers) -> tuple[tuple[str, ...], Numbers]:
    """The distinct categories, and for each key which."""
    column = view.columns(frozenset({"category"})).by_name["category"]
    used, codes = np.unique(column.codes[keys], return_inverse=True)
    entries = [column.values.entries[code] for code in used.tolist()]
    named = [name for name in entries if isinstance(name, str)]
    number = {name: place for place, name in enumerate(sorted(named))}
    of_used = [number[e] if isinstance(e, str) else NO_CATEGORY for e in entries]
    return tuple(sorted(named)), np.array(of_used, np.int64)[codes.reshape(-1)]


def _ids(view: View, keys: Numbers) -> tuple[str, ...]:
    """The ids of items by key, ascending."""
    wanted = keys.tolist()
    if not wanted:
        return ()
    sql = "SELECT key, id FROM items WHERE key BETWEEN ? AND ?"
    names: dict[int, str] = dict(view.each(sql, wanted[0], wanted[-1]))
    return tuple(names[key] for key in wanted)
