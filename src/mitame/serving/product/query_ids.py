"""Names of answers, so that feedback can say which one it is about.

Answers to product-page questions are too many to be remembered one by one. So their ids say
themselves what was asked: which item, by which lens, at which position. Where that is not all, as
with a filter, the question is remembered once, and the ids of all its answers begin with its id.
Whoever sends feedback may say anything about any item anyway: ids may be invented.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from mitame.feedback import ANSWER_OF

WIDTH = 20
"""Characters that tell an answer from all others; what follows says what was asked."""
_PRINT = 6
_ITEM = re.compile(
    rf"[0-9a-f]{{20}}-([0-9a-f]{{1,15}})\.([0-9a-f]{{{_PRINT}}})\.([0-9a-f]{{1,15}})"
)
_NAMED = re.compile(rf"([0-9a-f]{{20}}){ANSWER_OF}[0-9a-f]{{20}}")


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


@dataclass(frozen=True)
class AboutItem:
    """What an id says that a plain product-page question has.

    Attributes:
        key: of the item.
        fingerprint: how that of the lens's spec begins.
        position: of the journal.
    """

    key: int
    fingerprint: str
    position: int


def about_item(key: int, fingerprint: str) -> str:
    """What goes between an id and the position, as hexadecimal digits, for an `AboutItem`."""
    return f"-{key:x}.{fingerprint[:_PRINT]}."


def item_of(query_id: str) -> AboutItem | None:
    """What an id says; None where it does not."""
    found = _ITEM.fullmatch(query_id)
    if found is None:
        return None
    return AboutItem(int(found[1], 16), found[2], int(found[3], 16))


def about_remembered(query_id: str) -> str:
    """What goes before the ids of answers whose question is remembered under an id."""
    return f"{query_id}{ANSWER_OF}"


def remembered_as(query_id: str) -> str:
    """The id under which a question is remembered: its own, or the one that it names."""
    found = _NAMED.fullmatch(query_id)
    return query_id if found is None else found[1]
