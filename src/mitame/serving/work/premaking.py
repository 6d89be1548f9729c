"""Thumbnails for the page's grid, made while nothing is asked, one picture at a time.

What is missing is found anew after each start, by name: so a process that is killed loses nothing
but the picture at hand. After a walk through all items, only changed ones are looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from mitame.api import Collection
from mitame.collection import ItemImage
from mitame.collection.paths import COPIES, THUMBNAILS
from mitame.config import MB, ServeConfig
from mitame.errors import MitameError
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.registry import OpenCollections
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.work.quiet import Quiet
from mitame.thumbnails.missing import USUAL_BYTES, first_images, make_missing, sides_missing
from mitame.thumbnails.store import ThumbnailStore

REST_SECONDS = 2.0
"""Between two looks at the collections."""
QUIET_SECONDS = 1.0
"""After a request, before anything is made again."""
_MOST_CHANGED = 10_000
"""Items of which each is remembered; where more have changed, all are walked through."""
_LOOK_SECONDS = 0.1


@dataclass
class _Stores:
    """The small pictures of a collection."""

    made: ThumbnailStore
    copies: ThumbnailStore


class Premaking:
    """Makes them for all collections, on a thread of its own.

    Args:
        config: of the service.
        collections, metrics: of the runner.
        is_busy: whether the runner has better things to do.
        stopping: set when the runner stops.
    """

    def __init__(
        self,
        config: ServeConfig,
        collections: OpenCollections,
        metrics: Metrics,
        *,
        is_busy: Callable[[], bool],
        stopping: threading.Event,
    ) -> None:
        self._config = config
        self._limits = picture_limits(config.limits)
        self._collections = collections
        self._is_busy = is_busy
        self._stopping = stopping
        self._quiet = Quiet(metrics.folder)
        self._made = metrics.counter("mitame_thumbnails_made_total")
        self._left = metrics.counter("mitame_thumbnails_left")
        self._seen: dict[str, tuple[Collection, int]] = {}

    def run(self) -> None:
        """Work until the runner stops."""
        if not self._config.thumbnails or not self._config.limits.thumbnails_mb:
            return
        while not self._stopping.wait(REST_SECONDS):
            with suppress(MitameError):
                for name in self._collections.names():
                    with suppress(MitameError):
                        self._look_after(name)

    def _look_after(self, name: str) -> None:
        """Make what a collection lacks; where it is stopped, it begins anew the next time."""
        collection = self._collections.opened(name)
        known, since = self._seen.get(name, (None, 0))
        with collection.store.pin() as view:
            position, count = view.position, view.count()
            ids = None
            if known is collection:
                if since == position:
                    return
                ids = view.changed_ids(since, _MOST_CHANGED)
        limits = self._config.limits
        stores = _Stores(
            ThumbnailStore(collection.path / THUMBNAILS, int(limits.thumbnails_mb * MB)),
            ThumbnailStore(collection.path / COPIES, int(limits.copies_mb * MB)),
        )
        self._left.set(count if ids is None else len(ids))
        with closing(stores.made), closing(stores.copies):
            images = first_images(collection.store) if ids is None else _some(collection, ids)
            if all(self._make(name, collection, stores, image) for image in images):
                self._seen[name] = (collection, position)
        self._left.set(0)

    def _make(
        self, name: str, collection: Collection, stores: _Stores, image: ItemImage | None
    ) -> bool:
        """Make what an item's picture lacks; false where the walk is to be given up for now."""
        self._left.add(-1)
        if image is None or not sides_missing(image, stores.made):
            return not self._stopping.is_set()
        if not stores.made.has_room(USUAL_BYTES):
            return not self._stopping.is_set()  # no picture is read in vain
        if not self._waited() or self._collections.held(name) is not collection:
            return False
        with suppress(MitameError):  # gone, changed, broken or elsewhere: it is shown as missing
            rows = make_missing(image, stores.made, stores.copies, self._limits)
            if rows and stores.made.keep_unseen(rows):
                self._made.add()
        return True

    def _waited(self) -> bool:
        """Wait until nothing is asked and nothing better is to be done; false where it ends."""
        while self._is_busy() or self._quiet.seconds() < QUIET_SECONDS:
            if self._stopping.wait(_LOOK_SECONDS):
                return False
        return not self._stopping.is_set()


def _some(collection: Collection, ids: list[str]) -> Iterator[ItemImage | None]:
    for item_id in ids:
        with collection.store.pin() as view:
            item = view.get(item_id)
        yield item.images[0] if item is not None and item.images else None
