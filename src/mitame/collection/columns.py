"""Categories and attributes of all items as columns, for filtering without reading items.

A column is a dictionary encoding: the distinct values once, and for each item the number of its
value. A condition is put to each distinct value by its own `accepts`, so that a filter means
here what `mitame.filters.Filter.matches` says. Columns are made for the names that filters ask
for, and brought forward by following the journal.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.filters import COMPARE, Condition, Filter, Match, Range

Mask = NDArray[np.bool_]
Codes = NDArray[np.int32]
Keys: TypeAlias = NDArray[np.int64] | slice

ALL = slice(None)
MAX_COLUMNS = 64
"""Columns kept; the ones that were asked for longest ago are made again when needed."""
_NO_VALUE = 0
_MISSING = object()
_PAGE = 2_000


@dataclass
class Values:
    """The distinct values of a column; only ever added to, so that older codes stay right.

    Attributes:
        entries: the values; entry 0 stands for a missing one.
    """

    entries: list[object] = field(default_factory=lambda: [_MISSING])
    _codes: dict[object, int] = field(default_factory=dict)
    _odd: list[int] = field(default_factory=list)
    """Codes of lists, and of integers that float64 can't hold."""
    _numbers: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, values: object) -> Values:
        """Values with the codes 1, 2, ... in the order of a list, as it was read from a file.

        Raises:
            TypeError, ValueError: it is no list of attributes' values, or two of them are equal.
        """
        if not isinstance(values, list):
            raise TypeError("no list")
        made = cls()
        for code, value in enumerate(values, 1):
            if not _can_be_value(value) or made.code(value) != code:
                raise ValueError(f"{value!r} is no value, or there twice")
        return made

    def code(self, value: object) -> int:
        """The number of a value, a new one if need be."""
        key = _key(value)
        found = self._codes.get(key)
        if found is None:
            found = self._codes[key] = len(self.entries)
            if isinstance(value, list) or (isinstance(value, int) and not _fits_float(value)):
                self._odd.append(found)
            self.entries.append(value)
        return found

    def accepted(self, condition: Condition, count: int) -> Mask:
        """bool[count]: which of the first `count` values a condition accepts."""
        out = np.zeros(count, np.bool_)
        if isinstance(condition, Range) and _is_plain(condition):
            out |= _within(self.as_numbers(count), condition)
        for code in self._asked(condition, count):
            out[code] = condition.accepts(self.entries[code])
        return out

    def _asked(self, condition: Condition, count: int) -> Iterable[int]:
        """Codes whose values have to be put to the condition itself: mostly few."""
        if isinstance(condition, Match):
            found = [self._codes.get(_key(value), _NO_VALUE) for value in condition.values]
            return [code for code in (*found, *self._odd) if _NO_VALUE < code < count]
        if _is_plain(condition):
            return [code for code in self._odd if code < count]
        return range(1, count)

    def as_numbers(self, count: int) -> NDArray[np.float64]:
        """The first `count` values as float64, NaN for what is no number."""
        numbers = self._numbers
        if len(numbers) < count:
            new = [_number(value) for value in self.entries[len(numbers) : count]]
            numbers = self._numbers = np.concatenate([numbers, np.array(new, np.float64)])
        return numbers[:count]


def _can_be_value(value: object) -> bool:
    """As `mitame.collection.item.Attribute`."""
    if isinstance(value, list):
        return all(isinstance(part, str) for part in value)
    return value is None or isinstance(value, str | int | float)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _fits_float(value):
        return np.nan
    return float(value)


def _fits_float(value: float) -> bool:
    return isinstance(value, float) or abs(value) <= 2**53


def _is_plain(condition: Range) -> bool:
    """All bounds are numbers that float64 holds, so that float64 compares as Python does."""
    return all(not isinstance(bound, str) and _fits_float(bound) for _, bound in condition.bounds)


def _within(numbers: NDArray[np.float64], condition: Range) -> Mask:
    out = ~np.isnan(numbers)
    for name, bound in condition.bounds:
        out &= COMPARE[name](numbers, bound)
    return out


def _key(value: object) -> object:
    """Equal for equal values only; numbers by value, true apart from 1."""
    if isinstance(value, list):
        return (list, *value)
    return (bool, value) if isinstance(value, bool) else value


@dataclass(frozen=True)
class Column:
    """One name's values by item key: int32[keys], numbers of `values`."""

    codes: Codes
    values: Values
    count: int

    def accepted(self, condition: Condition, keys: Keys = ALL) -> Mask:
        """bool[n]: items that have the attribute and whose value the condition accepts.

        Args:
            condition: on this name.
            keys: int64[n], the items to look at; all where left out.
        """
        mask: Mask = self.values.accepted(condition, self.count)[self.codes[keys]]
        return mask

    def counts(self, mask: Mask) -> NDArray[np.int64]:
        """int64[values]: how many of the items of bool[keys] have each; none for a missing one."""
        found = np.bincount(self.codes[: len(mask)][mask], minlength=self.count)
        found[_NO_VALUE] = 0
        return found


@dataclass(frozen=True)
class Columns:
    """Columns at one journal position.

    Attributes:
        position: of the journal.
        alive: bool[keys], by item key: there is such an item.
        by_name: the columns made so far.
    """

    position: int
    alive: Mask
    by_name: Mapping[str, Column]

    def match(self, where: Filter, keys: Keys = ALL) -> Mask:
        """bool[n]: the items that pass.

        Args:
            where: the filter.
            keys: int64[n], the items to look at; all where left out.
        """
        mask = self.alive[keys].copy()  # of all it would be the array itself
        for condition in where.must:
            mask &= self.by_name[condition.key].accepted(condition, keys)
        for condition in where.must_not:
            mask &= ~self.by_name[condition.key].accepted(condition, keys)
        return mask


NOTHING = Columns(0, np.zeros(1, np.bool_), {})
"""Where following begins: position 0, no items; no item has key 0."""


def forward(
    old: Columns, position: int, connection: sqlite3.Connection, names: frozenset[str]
) -> Columns:
    """Columns at a later or the same position, with at least the given names.

    Args:
        old: columns at an earlier position, or the same.
        position: the one that the connection's read transaction sees.
        connection: in a read transaction.
        names: columns needed.
    """
    if _is_much(position, old):
        made = _made(connection, names, _keys(connection))
        return Columns(position, _alive(connection), made)
    kept = [name for name in old.by_name if name not in names]
    kept = kept[: max(0, MAX_COLUMNS - len(names))]
    known = [name for name in (*names, *kept) if name in old.by_name]
    alive, by_name = old.alive, {name: old.by_name[name] for name in known}
    if position != old.position:
        changed = _changed(connection, old.position)
        alive = _alive_after(connection, old.alive, changed)
        by_name = _followed(connection, by_name, changed, len(alive))
    if missing := names - by_name.keys():
        by_name |= _made(connection, missing, len(alive))
    return Columns(position, alive, by_name)


def _is_much(position: int, old: Columns) -> bool:
    """So much has changed that reading all items anew costs less than following."""
    return position - old.position > max(1_000, len(old.alive) // 8)


def _changed(connection: sqlite3.Connection, since: int) -> list[int]:
    rows = connection.execute("SELECT DISTINCT item FROM journal WHERE position > ?", (since,))
    return [key for (key,) in rows]


def _keys(connection: sqlite3.Connection) -> int:
    """One more than the highest key there ever was, so that every row's owner has a place."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def _alive(connection: sqlite3.Connection) -> Mask:
    alive = np.zeros(_keys(connection), np.bool_)
    alive[[key for (key,) in connection.execute("SELECT key FROM items")]] = True
    return alive


def _alive_after(connection: sqlite3.Connection, old: Mask, changed: list[int]) -> Mask:
    alive = np.zeros(_keys(connection), np.bool_)
    alive[: len(old)] = old
    alive[changed] = False
    for part in _pages(changed):
        sql = "SELECT key FROM items WHERE key IN (SELECT value FROM json_each(?))"
        rows = connection.execute(sql, (json.dumps(part),))
        alive[[key for (key,) in rows]] = True
    return alive


def _followed(
    connection: sqlite3.Connection, old: Mapping[str, Column], changed: list[int], keys: int
) -> dict[str, Column]:
    codes = {name: np.zeros(keys, np.int32) for name in old}
    for name, column in old.items():
        codes[name][: len(column.codes)] = column.codes
        codes[name][changed] = _NO_VALUE
    values = {name: column.values for name, column in old.items()}
    if old:
        for part in _pages(changed):
            _fill(codes, values, connection.execute(_SELECT_SOME, (json.dumps(part),)))
    return _columns(codes, values)


def _made(connection: sqlite3.Connection, names: frozenset[str], keys: int) -> dict[str, Column]:
    codes = {name: np.zeros(keys, np.int32) for name in names}
    values = {name: Values() for name in names}
    _fill(codes, values, connection.execute(_SELECT))
    return _columns(codes, values)


_SELECT = "SELECT key, category, attributes FROM items"
_SELECT_SOME = (
    "SELECT key, category, attributes FROM items WHERE key IN (SELECT value FROM json_each(?))"
)


def _fill(codes: dict[str, Codes], values: dict[str, Values], cursor: sqlite3.Cursor) -> None:
    for key, attributes in _decoded(cursor):
        for name, column in codes.items():
            value = attributes.get(name, _MISSING)
            if value is not _MISSING:
                column[key] = values[name].code(value)


def _decoded(cursor: sqlite3.Cursor) -> Iterator[tuple[int, dict[str, Any]]]:
    while rows := cursor.fetchmany(_PAGE):
        # one call for many: most of json.loads's time on small texts is the call itself
        decoded = json.loads(f"[{','.join(attributes for _, _, attributes in rows)}]")
        for (key, category, _), attributes in zip(rows, decoded, strict=True):
            attributes["category"] = category
            yield key, attributes


def _columns(codes: dict[str, Codes], values: dict[str, Values]) -> dict[str, Column]:
    return {name: Column(codes[name], values[name], len(values[name].entries)) for name in codes}


def _pages(keys: list[int]) -> Iterator[list[int]]:
    return (keys[start : start + 500] for start in range(0, len(keys), 500))
