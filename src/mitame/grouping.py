"""Groups of what hangs together: union and find over arrays.

Pure. Roots are hooked onto smaller ones and paths are halved, all pairs of a call at once (after
Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982): a root is always the
least of its group, whatever the order of the pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Groups:
    """Numbers 0 to n - 1, each in a group of its own at first.

    Args:
        n: how many.
    """

    def __init__(self, n: int) -> None:
        self._parent = np.arange(n)

    def join(self, one: Numbers, other: Numbers) -> None:
        """Each of `one` int64[m] belongs with the same place of `other` int64[m]."""
        while len(one):
            one, other = self.roots(one), self.roots(other)
            apart = one != other
            one, other = one[apart], other[apart]
            low, high = np.minimum(one, other), np.maximum(one, other)
            # Of several onto which one root could be hooked the last is taken; the next round
            # looks at the rest again.
            self._parent[high] = low

    def roots(self, numbers: Numbers) -> Numbers:
        """int64[m], the least of each one's group."""
        found = self._parent[numbers]
        while True:
            further = self._parent[found]
            if np.array_equal(further, found):
                break
            found = further
        self._parent[numbers] = found
        return found

    def members(self, least: int = 2) -> list[Numbers]:
        """The groups of at least so many, each ascending, by their first."""
        everyone = np.arange(len(self._parent))
        roots = self.roots(everyone)
        order = np.argsort(roots, kind="stable")
        starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
        groups = np.split(order, starts[1:]) if len(order) else []
        return [group for group in groups if len(group) >= least]
