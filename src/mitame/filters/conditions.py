"""What a filter means: conditions, and whether an item's values pass."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mitame.errors import InvalidFilter

Scalar: TypeAlias = str | int | float | bool | None
Bound: TypeAlias = str | int | float
MAX_CONDITIONS = 100
MAX_VALUES = 1_000
"""Values of one any-of condition."""
MAX_KEY = 200
MAX_VALUE = 1_000
"""Characters of a string value."""

_MISSING = object()
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
"""What each bound of a range does."""


@dataclass(frozen=True)
class Match:
    """The attribute equals any of the values."""

    key: str
    values: tuple[Scalar, ...]

    def accepts(self, value: object) -> bool:
        """Whether a present attribute's value, or any element of its list, equals one of them."""
        return any(_equal(part, wanted) for part in _elements(value) for wanted in self.values)

    def to_json(self) -> dict[str, Any]:
        """``{"key": ..., "match": value or list}``."""
        values = list(self.values)
        return {"key": self.key, "match": values[0] if len(values) == 1 else values}


@dataclass(frozen=True)
class Range:
    """The attribute lies within all the bounds.

    Attributes:
        key: name of the attribute.
        bounds: pairs of ``lt``, ``lte``, ``gt`` or ``gte`` and a number or string; at least one.
    """

    key: str
    bounds: tuple[tuple[str, Bound], ...]

    def accepts(self, value: object) -> bool:
        """Whether a present attribute's value, or one element of its list, is within them."""
        return any(
            all(_within(part, name, bound) for name, bound in self.bounds)
            for part in _elements(value)
        )

    def to_json(self) -> dict[str, Any]:
        """``{"key": ..., "range": {"lt": ..., ...}}``."""
        return {"key": self.key, "range": dict(self.bounds)}


Condition: TypeAlias = Match | Range


@dataclass(frozen=True)
class Filter:
    """All of `must` hold and none of `must_not`.

    Two filters that compare equal may still differ in meaning, as True == 1 in Python: don't use
    a filter as a key of a cache.
    """

    must: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()

    def matches(self, category: str | None, attributes: Mapping[str, object]) -> bool:
        """Whether an item passes: the reference meaning that quicker ways must agree with."""

        def holds(condition: Condition) -> bool:
            if condition.key == "category":
                return condition.accepts(category)
            value = attributes.get(condition.key, _MISSING)
            return value is not _MISSING and condition.accepts(value)

        return all(map(holds, self.must)) and not any(map(holds, self.must_not))

    @property
    def keys(self) -> frozenset[str]:
        """Names of all attributes that it asks for."""
        return frozenset(condition.key for condition in (*self.must, *self.must_not))

    def to_json(self) -> dict[str, Any]:
        """``{"must": [...], "must_not": [...]}``, which `from_json` reads back."""
        return {
            "must": [condition.to_json() for condition in self.must],
            "must_not": [condition.to_json() for condition in self.must_not],
        }


def _elements(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: object, wanted: Scalar) -> bool:
    if _is_number(value) and _is_number(wanted):
        return value == wanted
    return type(value) is type(wanted) and value == wanted


def _within(value: object, name: str, bound: Bound) -> bool:
    alike = isinstance(value, str) if isinstance(bound, str) else _is_number(value)
    return alike and COMPARE[name](value, bound)


def limited(must: Sequence[Condition], must_not: Sequence[Condition]) -> Filter:
    """The filter of these conditions.

    Raises:
        InvalidFilter: they are too many.
    """
    if len(must) + len(must_not) > MAX_CONDITIONS:
        raise InvalidFilter(f"the filter has more than {MAX_CONDITIONS} conditions")
    return Filter(tuple(must), tuple(must_not))
