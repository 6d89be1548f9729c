"""Maps are drawn one at a time, and kept as bytes while nothing has changed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec
import numpy as np

from mitame.collection import View
from mitame.errors import Overloaded
from mitame.filters import Filter
from mitame.maps import ItemMap, item_map
from mitame.placing import method_of
from mitame.serving.compressing import coders
from mitame.wire.maps import FULL, MOST_CATEGORIES, NO_CATEGORY, MapHead, MapReply, to_bytes

_KEPT_BYTES = 64_000_000
"""Of maps, packed ones too, that are kept for the next who asks."""
_KEPT_MAPS = 64


@dataclass(frozen=True)
class Wanted:
    """Which map, in which form.

    Attributes:
        collection: the open one; another of the same name is another object.
        lens: its name.
        where: only items that pass.
        limit: at most so many.
        is_binary: in the compact form; else as JSON.
    """

    collection: object
    lens: str
    where: Filter | None
    limit: int
    is_binary: bool

    def tag(self, view: View) -> str:
        """What is other for every other map; for the ETag.

        Positions begin anew with a collection that is dropped and made again, so it has the time
        of the last change, too.
        """
        # As text: two filters that compare equal may differ in meaning.
        text = None if self.where is None else self.where.to_json()
        lens = view.table.stored[self.lens].lens.spec.fingerprint
        at = view.select("SELECT at FROM journal ORDER BY position DESC LIMIT 1")
        method = method_of(view, self.lens)
        asked = [str(view.path), at, lens, self.lens, method, text, self.limit, self.is_binary]
        digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
        return f"{view.generation}-{view.position}-{digest}"


@dataclass
class Drawn:
    """A map as it is answered.

    Attributes:
        data: its bytes.
        is_binary: in the compact form; else JSON.
        complete: no item is missing.
    """

    data: bytes
    is_binary: bool
    complete: bool
    _packed: dict[bytes, bytes] = field(default_factory=dict)

    def packed(self, coding: bytes) -> bytes:
        """Compressed, once per coding."""
        found = self._packed.get(coding)
        if found is None:
            found = self._packed[coding] = coders()[coding](self.data)
        return found

    @property
    def bytes(self) -> int:
        """That it takes, about."""
        return len(self.data) + sum(map(len, self._packed.values()))


class DrawnMaps:
    """The maps that were asked for last. Thread-safe."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Drawn] = OrderedDict()

    def find(self, view: View, wanted: Wanted, until: float) -> Drawn:
        """The map at a moment.

        Args:
            view: of the collection.
            wanted: which.
            until: of `time.monotonic`, how long to wait for others that are being drawn.

        Raises:
            Overloaded: the others take too long.
        """
        key = (wanted.collection, wanted.tag(view))
        if not self._busy.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Overloaded("other maps are being drawn")
        try:
            found = self._kept.get(key)
            if found is None:
                found = _drawn(
                    item_map(view, wanted.lens, wanted.where, limit=wanted.limit), wanted
                )
                if found.complete:
                    self._keep(key, found)
            else:
                self._kept.move_to_end(key)
            return found
        finally:
            self._busy.release()

    def _keep(self, key: tuple[object, ...], found: Drawn) -> None:
        self._kept[key] = found
        while len(self._kept) > 1 and (
            len(self._kept) > _KEPT_MAPS
            or sum(each.bytes for each in self._kept.values()) > _KEPT_BYTES
        ):
            self._kept.popitem(last=False)


def _drawn(found: ItemMap, wanted: Wanted) -> Drawn:
    x, y = np.rint(found.places.T * FULL).astype(np.uint16)
    category = np.where(found.codes < 0, NO_CATEGORY, found.codes)
    category = np.minimum(category, NO_CATEGORY).astype(np.uint16)
    head = MapHead(
        lens=found.lens,
        method=found.method,
        categories=list(found.categories[:MOST_CATEGORIES]),
        total=found.total,
        complete=found.complete,
        generation=found.generation,
        position=found.position,
    )
    ids = list(found.ids)
    if wanted.is_binary:
        return Drawn(to_bytes(head, ids, x, y, category), True, found.complete)
    body = MapReply(
        **msgspec.structs.asdict(head),
        ids=ids,
        x=x.tolist(),
        y=y.tolist(),
        category=category.tolist(),
    )
    return Drawn(msgspec.json.encode(body), False, found.complete)
