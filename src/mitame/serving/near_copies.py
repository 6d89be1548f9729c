"""The search for near-copies takes a core for seconds: one at a time, and not again per page."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from mitame.collection import View
from mitame.duplicates import Duplicates, duplicates
from mitame.errors import Overloaded
from mitame.filters import Filter

_MOST_KEPT = 1_000_000
"""Ids of a result that is kept for its next pages."""


@dataclass(frozen=True)
class Sought:
    """What is looked for.

    Attributes:
        collection: the open one; another of the same name is another object.
        lens: its name.
        at: score from which two items are near-copies.
        where: among which items.
    """

    collection: object
    lens: str
    at: float
    where: Filter | None


class Finder:
    """Finds the groups: one search at a time, and the last result kept while it is true."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._latest: tuple[tuple[object, ...], Duplicates] | None = None

    def find(self, view: View, sought: Sought, until: float) -> Duplicates:
        """The groups at a moment.

        Args:
            view: of the collection.
            sought: what is looked for.
            until: of `time.monotonic`, when to give up.

        Raises:
            Overloaded: another search is under way.
            NotMerged, CollectionBusy: see `mitame.duplicates.duplicates`.
        """
        # As text: two filters that compare equal may differ in meaning.
        text = None if sought.where is None else json.dumps(sought.where.to_json())
        moment = (view.position, view.generation)
        key = (sought.collection, sought.lens, sought.at, text, *moment)
        latest = self._latest
        if latest is not None and latest[0] == key:
            return latest[1]
        if not self._busy.acquire(blocking=False):
            raise Overloaded("another search for duplicates is under way")
        try:
            found = duplicates(view, sought.lens, sought.at, sought.where, until=until)
        finally:
            self._busy.release()
        if sum(map(len, found.groups)) <= _MOST_KEPT:
            self._latest = (key, found)
        return found
