"""Text for people: safe to print, on standard error."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """The text without control characters or half characters, for a terminal or JSON."""
    clean = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in clean)


def say(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr, flush=True)
