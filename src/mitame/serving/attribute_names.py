"""Names of attributes are found by reading all items: once for each moment."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from mitame.api import Collection
from mitame.browsing import Attribute, attributes
from mitame.collection import View


class AttributeNames:
    """The names of each open collection as they were found last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Collection, tuple[int, list[Attribute]]] = WeakKeyDictionary()

    def find(self, collection: Collection, view: View) -> list[Attribute]:
        """The names of a collection at a moment of it."""
        with self._lock:
            position, found = self._kept.get(collection, (-1, []))
        if position != view.position:
            # Outside of the lock: other collections need not wait until one is read.
            found = attributes(view)
            with self._lock:
                self._kept[collection] = (view.position, found)
        return found
