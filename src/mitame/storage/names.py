"""Which names a file may have: those that mean the same on every system and lead nowhere else. P"""

from __future__ import annotations

import re

from mitame.errors import UsageError

MAX_LENGTH = 200
PART = ".part-"
"""How names of half-done things begin: never listed, never given by a caller."""

_PLAIN = re.compile(
    r"[!#-)+-.0-9;=@-\[\]-{}~ ]*", re.ASCII
)  # no control characters, none of "*/:<>?\|
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows


def check_name(name: str) -> str:
    """The name, if it can be one.

    1 to 200 printable ASCII characters without ``" * / : < > ? \\ |``, not ending in a dot or a
    space, not a device of Windows.

    Raises:
        UsageError: it can't.
    """
    if (
        not 1 <= len(name) <= MAX_LENGTH
        or name.endswith((".", " "))
        or name.startswith(PART)
        or not _PLAIN.fullmatch(name)
        or _DEVICE.fullmatch(name)
    ):
        raise UsageError(
            f"{name[:80]!r} can't be the name of a file here",
            remedy=f'use 1 to {MAX_LENGTH} plain ASCII characters without / \\ : * ? " < > |',
        )
    return name
