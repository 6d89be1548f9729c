"""Decisions about near-copies in memory: what holds for a group at a moment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["same", "different"]
_MOST_RECENT = 1_000
"""Items whose decisions are kept beside those of all others, which are copied for each so many."""


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        id: follows from the items: the same items have the same.
        value: ``same`` or ``different``.
        ids: of the items, ascending, at least two.
        at: when, microseconds since 1970.
        sequence: later decisions have greater ones; another with each change.
    """

    id: str
    value: Verdict
    ids: tuple[str, ...]
    at: int
    sequence: int

    @property
    def tag(self) -> str:
        """Its state, for conditions."""
        return str(self.sequence)


_Held: TypeAlias = tuple[Decision, frozenset[str]]
_ByItem: TypeAlias = dict[str, list[_Held]]


class Decided:
    """All decisions of a moment, to be asked about groups; nothing in it changes.

    Attributes:
        count: how many they are.
    """

    def __init__(self, decisions: Sequence[Decision] = ()) -> None:
        """Of the decisions in the order of their sequence, no two about the same items."""
        self.count = len(decisions)
        self._settled: _ByItem = {}
        self._recent: _ByItem = {}  # of items for which the other does not hold any more
        for each in decisions:
            held = each, frozenset(each.ids)
            for item in each.ids:
                self._settled.setdefault(item, []).append(held)

    def of(self, group: Sequence[str]) -> Decision | None:
        """The latest decision that all items of a group are in; None where there is none."""
        wanted = frozenset(group)
        for decision, ids in reversed(self._about(group[0])):
            if wanted <= ids:
                return decision
        return None

    def joined(self, newer: Sequence[Decision]) -> Decided:
        """With later decisions, which replace those about the same items.

        Args:
            newer: in the order of their sequence.
        """
        now = Decided()
        now.count, now._settled, now._recent = self.count, self._settled, dict(self._recent)
        for each in newer:
            now._add(each)
        if len(now._recent) > _MOST_RECENT:
            now._settled, now._recent = {**now._settled, **now._recent}, {}
        return now

    def _about(self, item: str) -> list[_Held]:
        found = self._recent.get(item)
        return self._settled.get(item, []) if found is None else found

    def _add(self, new: Decision) -> None:
        ids = frozenset(new.ids)
        fewest = min((self._about(item) for item in new.ids), key=len)
        self.count += all(ids != others for _, others in fewest)
        for item in new.ids:
            others = [each for each in self._about(item) if each[1] != ids]
            self._recent[item] = [*others, (new, ids)]
