"""Messages about JSON in the words of gannoy's decoder: clients may have matched on them."""

from __future__ import annotations

import json
import re

_PHRASES = {
    "Expecting property name enclosed in double quotes": "beginning of object key string",
    "Illegal trailing comma before end of object": "beginning of object key string",
    "Illegal trailing comma before end of array": "beginning of value",
    "Expecting value": "beginning of value",
}
_AFTER = {
    "Expecting ':' delimiter": "object key",
    "Expecting ',' delimiter": "value",
    "Extra data": "top-level value",
}
_FEATURES = re.compile(r'"features"\s*:\s*\[', re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*")
_decoder = json.JSONDecoder()


def syntax_message(error: json.JSONDecodeError, text: str) -> str:
    """What is wrong where a text is no JSON."""
    if error.pos >= len(text) or error.msg.startswith("Unterminated"):
        return "unexpected EOF"
    what = f"invalid character {text[error.pos]!r}"
    if error.msg in _PHRASES:
        what += f" looking for {_PHRASES[error.msg]}"
    elif error.msg in _AFTER:
        what += f" after {_AFTER[error.msg]}"
    return f"Syntax error: offset={error.pos + 1}, error={what}"


def type_message(expected: str, found: object, offset: int) -> str:
    """What is wrong where JSON has a value of another type."""
    return f"Unmarshal type error: expected={expected}, got={_kind(found)}, offset={offset}"


def wrong_feature(text: str, place: int, found: object) -> str:
    """As `type_message`, of an element of the features; the offset is that of its end."""
    try:
        end = _end_of_element(text, place)
    except ValueError:  # the name stands elsewhere in the text, too
        end = len(text)
    return type_message("float64", found, end)


def _end_of_element(text: str, place: int) -> int:
    start = _FEATURES.search(text)
    if start is None:
        return len(text)
    end = start.end()
    for _ in range(place + 1):
        begin = _BETWEEN.match(text, end)
        end = _decoder.raw_decode(text, begin.end() if begin else end)[1]
    return end


def _kind(value: object) -> str:
    """Go's word for it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    if isinstance(value, dict):
        return "object"
    if value is None:
        return "null"
    return f"number {_short(value)}"


def _short(number: object) -> str:
    try:
        return str(number)[:40]
    except ValueError:  # an integer of thousands of digits
        return "out of range"
