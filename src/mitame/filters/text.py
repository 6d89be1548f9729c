"""A filter as text, such as ``category=mug,price<5000``; see `mitame.filters`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mitame.errors import InvalidFilter
from mitame.filters.conditions import (
    MAX_KEY,
    MAX_VALUE,
    Condition,
    Filter,
    Match,
    Range,
    Scalar,
    limited,
)

MAX_LENGTH = 4_096
"""Characters of a filter's text."""

_RANGE_OF = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


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
                return limited(must, must_not)
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
