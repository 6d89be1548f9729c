"""Conditions on an item's category and attributes: read from text or JSON, with one meaning.

In text, conditions are separated by commas and all must hold: ``category=mug,price<5000``.

| written | holds when the attribute |
|---|---|
| ``key=value`` | equals the value |
| ``key=a|b`` | equals any of them |
| ``key!=value``, ``key!=a|b`` | equals none of them, or is missing |
| ``key<value``, ``<=``, ``>``, ``>=`` | compares so |

A bare value is a number (as JSON writes one), ``true``, ``false`` or ``null`` where it looks like
one, else a string; in double quotes it is always a string. A backslash makes the next character
an ordinary one, in quotes and outside. Spaces around keys and values are left out.

Meaning, everywhere the same (`Filter.matches`): a missing attribute fails what must hold and
passes what must not; numbers compare as numbers and strings by code point, but never one with
the other; true is not 1; a list holds when any of its elements does. ``category`` is the item's
own category, null where it has none, whatever the attributes say.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mitame.errors import InvalidFilter

Scalar: TypeAlias = str | int | float | bool | None
Bound: TypeAlias = str | int | float
MAX_LENGTH = 4_096
"""Characters of a filter's text."""
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
_RANGE_OF = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


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


def parse(text: str) -> Filter:
    """The filter that the text says; see the module.

    Raises:
        InvalidFilter: with the place where reading stopped.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"the filter has {len(text)} characters, more than {MAX_LENGTH}")
    return _Reader(text).filter()


class _Reader:
    """Reads a filter's text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def filter(self) -> Filter:
        must: list[Condition] = []
        must_not: list[Condition] = []
        while True:
            negated, condition = self._condition()
            (must_not if negated else must).append(condition)
            if self._at == len(self._text):
                return _limited(must, must_not)
            self._at += 1  # the comma that ended the condition

    def _condition(self) -> tuple[bool, Condition]:
        start = self._at
        key = self._word("=!<>,|").text
        if not key:
            raise self._wrong("a name is missing", start)
        if len(key) > MAX_KEY:
            raise self._wrong(f"a name has more than {MAX_KEY} characters", start)
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            raise self._wrong("one of = != < <= > >= is missing", self._at)
        self._at = found.end()
        return self._right_side(key, found.group())

    def _right_side(self, key: str, sign: str) -> tuple[bool, Condition]:
        start = self._at
        values = [self._value()]
        while self._text.startswith("|", self._at):
            self._at += 1
            values.append(self._value())
        if sign in ("=", "!="):
            return sign == "!=", Match(key, tuple(values))
        bound = values[0]
        if len(values) > 1 or isinstance(bound, bool) or bound is None:
            raise self._wrong(f"{sign} needs one number or string", start)
        return False, Range(key, ((_RANGE_OF[sign], bound),))

    def _value(self) -> Scalar:
        start = self._at
        word = self._word(",|")
        if len(word.text) > MAX_VALUE:
            raise self._wrong(f"a value has more than {MAX_VALUE} characters", start)
        if word.plain and not word.text:
            raise self._wrong("a value is missing", start)
        if word.plain and word.text[0] in "=!<>":
            raise self._wrong("a value begins with an operator; put it in quotes", start)
        try:
            return _typed(word.text) if word.plain else word.text
        except OverflowError:
            raise self._wrong("a number is too large", start) from None

    def _word(self, ends: str) -> _Word:
        self._skip_spaces()
        if self._text.startswith('"', self._at):
            return self._quoted(ends)
        parts: list[str] = []
        plain, kept = True, 0
        while self._at < len(self._text) and self._text[self._at] not in ends:
            escaped = self._text[self._at] == "\\"
            plain = plain and not escaped
            parts.append(self._character())
            if escaped or not parts[-1].isspace():
                kept = len(parts)
        return _Word("".join(parts[:kept]), plain)

    def _quoted(self, ends: str) -> _Word:
        start = self._at
        self._at += 1
        parts: list[str] = []
        while not self._text.startswith('"', self._at):
            if self._at >= len(self._text):
                raise self._wrong("a quote is not closed", start)
            parts.append(self._character())
        self._at += 1
        self._skip_spaces()
        if self._at < len(self._text) and self._text[self._at] not in ends:
            raise self._wrong("something follows a closing quote", self._at)
        return _Word("".join(parts), plain=False)

    def _character(self) -> str:
        if self._text[self._at] == "\\":
            self._at += 1
            if self._at == len(self._text):
                raise self._wrong("nothing follows the last backslash", self._at - 1)
        self._at += 1
        return self._text[self._at - 1]

    def _skip_spaces(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _wrong(self, what: str, at: int) -> InvalidFilter:
        near = self._text[at : at + 20]
        place = f"at character {at + 1}, near {near!r}" if near.strip() else "at the end"
        return InvalidFilter(f"filter {self._text[:80]!r}: {what} {place}")


@dataclass(frozen=True)
class _Word:
    text: str
    plain: bool
    """Neither quoted nor escaped, so that it may be a number, true, false or null."""


def _typed(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    if number.group(2) is None and number.group(3) is None:
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise OverflowError(text)
    return value


def from_json(value: object) -> Filter:
    """The filter that decoded JSON says: ``{"must": [...], "must_not": [...]}``.

    A condition is ``{"key": name, "match": scalar or list of them}`` or ``{"key": name, "range":
    {"lt" | "lte" | "gt" | "gte": number or string}}``.

    Raises:
        InvalidFilter: naming the condition that can't be read.
    """
    if not isinstance(value, Mapping) or set(value) - {"must", "must_not"}:
        raise _refused("a filter must be an object with 'must' and 'must_not'")
    return _limited(
        _conditions(value.get("must", []), "must"),
        _conditions(value.get("must_not", []), "must_not"),
    )


def _limited(must: Sequence[Condition], must_not: Sequence[Condition]) -> Filter:
    if len(must) + len(must_not) > MAX_CONDITIONS:
        raise InvalidFilter(f"the filter has more than {MAX_CONDITIONS} conditions")
    return Filter(tuple(must), tuple(must_not))


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
