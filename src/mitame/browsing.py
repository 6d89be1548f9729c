"""What a collection holds, at a glance: counts by value, names of attributes, a few items."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Item, View
from mitame.collection.columns import Column
from mitame.errors import UsageError
from mitame.filters import Filter, Range, Scalar

MAX_FACETS = 16
MAX_TOP = 1_000
MAX_RANGES = 100
MAX_NAMES = 1_000
"""Names of attributes that are listed; the rarest are left out."""
_KIND = {"true": "boolean", "false": "boolean", "integer": "number", "real": "number"}
_KIND |= {"text": "text", "array": "list", "null": "null"}
_NAMES = (
    "SELECT j.key, group_concat(DISTINCT j.type), count(DISTINCT t.key)"
    " FROM items t, json_each(t.attributes) j GROUP BY j.key"
)


@dataclass(frozen=True)
class Attribute:
    """A name that a filter can ask for.

    Attributes:
        name: ``category``, or an attribute's.
        kinds: of its values, sorted: some of boolean, list, null, number and text.
        items: how many have it.
    """

    name: str
    kinds: tuple[str, ...]
    items: int


@dataclass(frozen=True)
class Facet:
    """How the items that pass are spread over the values of one name.

    Attributes:
        key: ``category``, or an attribute's name.
        items: that pass and have it.
        distinct: values that they have.
        values: the most frequent ones with their items, most first, then by value. An item whose
            value is a list counts for each of its elements, as a filter sees it.
        ranges: the items within each of the ranges asked for, in their order.
        lowest, highest: of its numbers; None where there is none.
    """

    key: str
    items: int
    distinct: int
    values: tuple[tuple[Scalar, int], ...]
    ranges: tuple[tuple[Range, int], ...]
    lowest: float | None
    highest: float | None


def attributes(view: View) -> list[Attribute]:
    """All names that a filter can ask for, those of most items first; ``category`` is first of all.

    It reads every item.
    """
    items, categories = view.select("SELECT count(*), count(category) FROM items")[0]
    found = [
        Attribute(name, tuple(sorted({_KIND[each] for each in types.split(",")})), count)
        for name, types, count in view.select(_NAMES)
        if name != "category"  # hidden by the item's own
    ]
    return listed_names(items, categories, found)


def listed_names(items: int, categories: int, found: Sequence[Attribute]) -> list[Attribute]:
    """Names in the order in which they are told.

    Args:
        items: how many there are.
        categories: how many have one.
        found: all other names.
    """
    kinds = ("null", "text") if 0 < categories < items else ("text",)
    ordered = sorted(found, key=lambda each: (-each.items, each.name))
    return [Attribute("category", kinds, categories), *ordered[: MAX_NAMES - 1]]


def facets(
    view: View,
    keys: Sequence[str],
    where: Filter | None = None,
    *,
    top: int = 10,
    ranges: Mapping[str, Sequence[Range]] | None = None,
) -> tuple[int, list[Facet]]:
    """Count the items that pass by the values that they have.

    Args:
        view: the moment.
        keys: names, ``category`` or attributes'; one that no item has gives an empty facet.
        where: only items that pass.
        top: values of each name, 0 to 1,000.
        ranges: by name, what to count besides.

    Returns:
        How many items pass, and a facet for each name.

    Raises:
        UsageError: too many of something.
    """
    asked = ranges or {}
    if not 1 <= len(keys) <= MAX_FACETS or len(set(keys)) < len(keys):
        raise UsageError(f"facets take 1 to {MAX_FACETS} names", remedy="name each once")
    if not 0 <= top <= MAX_TOP:
        raise UsageError(f"{top} values can't be told", remedy=f"use 0 to {MAX_TOP}")
    if not asked.keys() <= set(keys) or any(len(each) > MAX_RANGES for each in asked.values()):
        raise UsageError(
            "ranges are for names that are asked for", remedy=f"at most {MAX_RANGES} for each"
        )
    names = frozenset(keys) | (frozenset() if where is None else where.keys)
    columns = view.columns(names)
    mask = columns.alive if where is None else columns.match(where)
    found = [_facet(each, columns.by_name[each], mask, top, asked.get(each, ())) for each in keys]
    return int(np.count_nonzero(mask)), found


def _facet(
    key: str, column: Column, mask: NDArray[np.bool_], top: int, ranges: Sequence[Range]
) -> Facet:
    counts = column.counts(mask)
    within = tuple((each, _within(column, each, counts)) for each in ranges)
    with_lists = _spread(column, counts)
    numbers = column.values.as_numbers(column.count)[counts > 0]
    numbers = numbers[~np.isnan(numbers)]
    return Facet(
        key=key,
        items=int(counts.sum()),
        distinct=len(with_lists),
        values=tuple(_first(with_lists, top)),
        ranges=within,
        lowest=float(numbers.min()) if len(numbers) else None,
        highest=float(numbers.max()) if len(numbers) else None,
    )


def _within(column: Column, wanted: Range, counts: NDArray[np.int64]) -> int:
    return int(counts[column.values.accepted(wanted, column.count)].sum())


def _spread(column: Column, counts: NDArray[np.int64]) -> list[tuple[Scalar, int]]:
    """Values with their items; a list's are given to each of its elements."""
    entries = column.values.entries
    used = np.flatnonzero(counts).tolist()
    found: dict[tuple[type, Scalar], tuple[Scalar, int]] = {}
    for code, count in zip(used, counts[used].tolist(), strict=True):
        value: Any = entries[code]
        for part in set(value) if isinstance(value, list) else (value,):
            key = (bool if isinstance(part, bool) else object, part)
            first, before = found.get(key, (part, 0))
            found[key] = (first, before + count)
    return list(found.values())


def _first(values: list[tuple[Scalar, int]], top: int) -> list[tuple[Scalar, int]]:
    def order(each: tuple[Scalar, int]) -> tuple[int, str, float, str]:
        value, count = each
        number = float(value) if isinstance(value, int | float) and abs(value) < 2**53 else 0.0
        return -count, type(value).__name__, number, str(value)

    if len(values) > 4 * top + 100:  # sort what may be among the first only
        least = sorted((count for _, count in values), reverse=True)[max(0, top - 1)]
        values = [each for each in values if each[1] >= least]
    return sorted(values, key=order)[:top]


def drawn_items(
    view: View, limit: int, where: Filter | None = None, seed: int | None = None
) -> tuple[int, list[Item]]:
    """Items drawn at random, each at most once.

    Args:
        view: the moment.
        limit: at most so many.
        where: only items that pass.
        seed: the same one draws the same items, as long as none is added or removed.

    Returns:
        The seed, drawn where none was given, and the items in the order drawn.
    """
    used = secrets.randbits(48) if seed is None else seed
    columns = view.columns(frozenset() if where is None else where.keys)
    mask = columns.alive if where is None else columns.match(where)
    keys = np.flatnonzero(mask)
    chosen = np.random.default_rng(used).choice(keys, min(limit, len(keys)), replace=False).tolist()
    rows = view.select(
        "SELECT key, id, category, attributes FROM items WHERE key IN"
        " (SELECT value FROM json_each(?))",
        json.dumps(chosen),
    )
    by_key = {row[0]: row for row in rows}
    return used, view.hydrated([by_key[key] for key in chosen])


def suggested(view: View, prefix: str, limit: int) -> list[str]:
    """The first ids that begin with a text, sorted.

    Args:
        view: the moment.
        prefix: any text; all ids begin with nothing.
        limit: at most so many.
    """
    sql = "SELECT id FROM items WHERE id >= ? ORDER BY id LIMIT ?"
    # Those with the prefix come one after the other, from it on.
    return [name for (name,) in view.select(sql, prefix, limit) if name.startswith(prefix)]
