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

from mitame.filters.conditions import (
    COMPARE,
    Condition,
    Filter,
    Match,
    Range,
    Scalar,
)
from mitame.filters.json_form import from_json
from mitame.filters.text import parse

__all__ = [
    "COMPARE",
    "Condition",
    "Filter",
    "Match",
    "Range",
    "Scalar",
    "from_json",
    "parse",
]
