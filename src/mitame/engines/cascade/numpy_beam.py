"""The best nodes so far, and the walk along their edges to better ones, in NumPy.

The same as ``native/cascade_beam.h``, node for node.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.engines.cascade.shape import FAR, Floats

Places = NDArray[np.int64]
_STEP = 4


def lowest(keys: Floats, places: Places, most: int) -> tuple[Floats, Places]:
    """Those with the lowest keys, of equal ones the first, in their order."""
    if len(keys) <= most:
        return keys, places
    kept = np.sort(np.argsort(keys, kind="stable")[:most])
    return keys[kept], places[kept]


@dataclass
class Beam:
    """Nodes, nearest first.

    Attributes:
        keys, places: of them.
        width: how many it holds.
    """

    keys: list[np.float32]
    places: list[int]
    width: int

    def join(self, key: np.float32, place: int) -> None:
        """Give a node its place, if it is near enough for one."""
        if not key < FAR:
            return
        if len(self.keys) >= self.width:
            if key >= self.keys[-1]:
                return
            self.keys.pop()
            self.places.pop()
        at = bisect.bisect_right(self.keys, key)
        self.keys.insert(at, key)
        self.places.insert(at, place)


def walk(
    beam: Beam, edges: NDArray[np.int32], keys_of: Callable[[Places], Floats]
) -> tuple[Floats, Places] | None:
    """Follow edges from the best nodes on until none of the beam is left to follow.

    Args:
        beam: where to begin.
        edges: int32[places, degree], -1 after the last.
        keys_of: keys of the nodes at places.

    Returns:
        Keys and places of the best; None where an edge leads nowhere.
    """
    seen, done = set(beam.places), set[int]()
    left = _room(beam.width, edges.shape[1]) // 2 - len(beam.places)
    waiting: list[int] = []
    while True:
        open_ = (place for place in beam.places if place not in done)
        todo = list(itertools.islice(open_, _STEP)) if left > 0 else []
        if not waiting and not todo:
            return np.array(beam.keys, np.float32), np.array(beam.places, np.int64)
        found = _followed(todo, edges, seen)
        if found is None:
            return None
        done.update(todo)
        left -= len(found)
        for key, place in zip(keys_of(np.array(waiting, np.int64)), waiting, strict=True):
            beam.join(key, place)
        waiting = found


def _followed(todo: list[int], edges: NDArray[np.int32], seen: set[int]) -> list[int] | None:
    """Places that edges lead to and that were not seen before."""
    found: list[int] = []
    for place in todo:
        for other in itertools.takewhile(lambda end: end != -1, edges[place].tolist()):
            if not 0 <= other < len(edges):
                return None
            if other not in seen:
                seen.add(other)
                found.append(other)
    return found


def _room(width: int, degree: int) -> int:
    """How many places the native search can remember."""
    out = 1024
    while out < 64 * width + 4 * (4 * degree + 4):
        out *= 2
    return out
