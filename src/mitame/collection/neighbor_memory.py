"""Which rows of the delta are near which item: found once, gone on with as the delta grows."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
MOST_ITEMS = 20_000
"""Items that are remembered; those asked for longest ago are forgotten."""
_NONE = (0, np.empty(0, np.int64))


class NearRows:
    """Places of rows in a file of the delta that may enter an item's list. Thread-safe.

    The rows of a file only ever become more, so what is remembered of its beginning stays right.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[int, int], tuple[int, Numbers]] = OrderedDict()

    def of(self, item: int, first: int) -> tuple[int, Numbers]:
        """How many rows have been looked at, and the places of the near ones among them.

        Args:
            item: the place of its list in the table.
            first: the number of the file's first row.
        """
        with self._lock:
            found = self._found.get((item, first), _NONE)
            if found is not _NONE:
                self._found.move_to_end((item, first))
            return found

    def keep(self, item: int, first: int, seen: int, near: Numbers) -> None:
        """Remember more of it; what another thread has found beyond that stays."""
        with self._lock:
            if self._found.get((item, first), _NONE)[0] < seen:
                self._found[item, first] = (seen, near)
            if len(self._found) > MOST_ITEMS:
                self._found.popitem(last=False)
