"""A filter as JSON, such as ``{"must": [{"key": "category", "match": "mug"}]}``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mitame.errors import InvalidFilter
from mitame.filters.conditions import (
    COMPARE,
    MAX_CONDITIONS,
    MAX_KEY,
    MAX_VALUE,
    MAX_VALUES,
    Bound,
    Condition,
    Filter,
    Match,
    Range,
    Scalar,
    limited,
)


def from_json(value: object) -> Filter:
    """The filter that decoded JSON says: ``{"must": [...], "must_not": [...]}``.

    A condition is ``{"key": name, "match": scalar or list of them}`` or ``{"key": name, "range":
    {"lt" | "lte" | "gt" | "gte": number or string}}``.

    Raises:
        InvalidFilter: naming the condition that can't be read.
    """
    if not isinstance(value, Mapping) or set(value) - {"must", "must_not"}:
        raise _refused("a filter must be an object with 'must' and 'must_not'")
    return limited(
        _conditions(value.get("must", []), "must"),
        _conditions(value.get("must_not", []), "must_not"),
    )


def _conditions(value: object, name: str) -> list[Condition]:
    if not isinstance(value, list) or len(value) > MAX_CONDITIONS:
        raise _refused(f"'{name}' must be a list of at most {MAX_CONDITIONS} conditions")
    return [_condition(entry, f"{name}[{i}]") for i, entry in enumerate(value)]


def _condition(value: object, place: str) -> Condition:
    if not isinstance(value, Mapping) or set(value) not in ({"key", "match"}, {"key", "range"}):
        raise _refused(f"{place} must be an object with 'key' and one of 'match' and 'range'")
    key = value["key"]
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY:
        raise _refused(f"{place}.key must be a string of 1 to {MAX_KEY} characters")
    if "match" in value:
        return Match(key, _match_values(value["match"], place))
    return Range(key, _bounds(value["range"], place))


def _match_values(value: object, place: str) -> tuple[Scalar, ...]:
    values = value if isinstance(value, list) else [value]
    if not 1 <= len(values) <= MAX_VALUES:
        raise _refused(f"{place}.match must have 1 to {MAX_VALUES} values")
    return tuple(_scalar(entry, f"{place}.match") for entry in values)


def _scalar(value: object, place: str) -> Scalar:
    if isinstance(value, str) and len(value) > MAX_VALUE:
        raise _refused(f"{place} has a string of more than {MAX_VALUE} characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(f"{place} has a number that is not finite")
    if value is None or isinstance(value, str | int | float):
        return value
    raise _refused(f"{place} must have strings, numbers, true, false or null")


def _bounds(value: object, place: str) -> tuple[tuple[str, Bound], ...]:
    if not isinstance(value, Mapping) or not value or set(value) - set(COMPARE):
        raise _refused(f"{place}.range must have some of 'lt', 'lte', 'gt' and 'gte'")
    bounds: list[tuple[str, Bound]] = []
    for name in (name for name in COMPARE if name in value):
        bound = _scalar(value[name], f"{place}.range.{name}")
        if bound is None or isinstance(bound, bool):
            raise _refused(f"{place}.range.{name} must be a number or a string")
        bounds.append((name, bound))
    return tuple(bounds)


def _refused(message: str) -> InvalidFilter:
    return InvalidFilter(
        message, remedy='write it like {"must": [{"key": "category", "match": "mug"}]}'
    )
