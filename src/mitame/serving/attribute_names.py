"""Names of attributes are found by reading all items: once for each moment."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from mitame.browsing import Attribute, attributes

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.collection import View

_KEPT = 64
"""Collections whose names are kept."""


class AttributeNames:
    """The names of the collections that were asked last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, tuple[int, list[Attribute]]] = OrderedDict()

    def find(self, collection: Collection, view: View) -> list[Attribute]:
        """The names of a collection at a moment of it."""
        with self._lock:
            position, found = self._kept.get(collection, (-1, []))
            if position != view.position:
                found = attributes(view)
                self._kept[collection] = (view.position, found)
            self._kept.move_to_end(collection)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found
