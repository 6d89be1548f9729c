"""Names of answers, so that feedback can say which one it is about."""

from __future__ import annotations

import itertools

WIDTH = 20
"""Characters of every query id."""


class QueryIds:
    """Gives each answer of a worker an id of its own. Safe from several threads.

    Args:
        instance: 8 characters that no other process has.
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """The next one: the process's name and a number, always 20 characters."""
        return f"{self._instance}{next(self._numbers):012x}"
