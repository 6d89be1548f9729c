"""Text for people and scripts: nothing in it that a terminal would obey."""

from __future__ import annotations

import json
import re
import sys
import unicodedata

# Control, format (such as U+202E, which turns the writing round), half, private and unassigned
# characters, line and paragraph ends. Spaces of all widths are harmless.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_PLAIN = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    """The text with escapes in place of what a terminal would obey or can't write."""
    return _NOT_PLAIN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _OBEYED:
        return character
    return character.encode("unicode_escape").decode()


def json_line(value: object) -> str:
    """One line of JSON with the same escapes, which mean the same characters there."""
    return _NOT_PLAIN.sub(_escaped_in_json, json.dumps(value, ensure_ascii=False))


def _escaped_in_json(found: re.Match[str]) -> str:
    character = found[0]
    return json.dumps(character)[1:-1] if _escaped(found) != character else character


def say(text: str) -> None:
    """One line on standard error."""
    print(printable(text), file=sys.stderr, flush=True)


def tell(text: str = "") -> None:
    """One line on standard output."""
    import click

    click.echo(printable(text))


def is_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout is not None and sys.stdout.isatty()
