"""Integers as gannoy reads them from a path or a query string, and as ids of items."""

from __future__ import annotations

import re

_LONGEST = 40
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_KEY = re.compile(r"0|-?[1-9][0-9]{0,18}")


def integer(text: str | None) -> int | None:
    """The 64-bit integer that a text is: a sign and decimal digits; None where it is none."""
    if text is None or len(text) > _LONGEST or not _INTEGER.fullmatch(text):
        return None
    return in_range(int(text))


def key_of(item_id: str) -> int | None:
    """The key that an item's id stands for; None for an item that gannoy's clients don't see.

    Only the one way of writing that `str` has counts: ``007`` and ``7`` are two items, and one
    key can't be both.
    """
    return in_range(int(item_id)) if _KEY.fullmatch(item_id) else None


def in_range(value: int) -> int | None:
    """The value itself where 64 bits hold it."""
    return value if -(2**63) <= value < 2**63 else None
