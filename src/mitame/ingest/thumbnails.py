"""Thumbnails of the page's sizes for all that a collection holds, on several threads."""

from __future__ import annotations

from collections.abc import Iterator

from mitame.collection import ItemImage, Store
from mitame.errors import MitameError
from mitame.images.limits import ImageLimits
from mitame.ingest.bounded import bounded_map
from mitame.ingest.pipeline import usable_cores
from mitame.ingest.report import Shown
from mitame.thumbnails.missing import USUAL_BYTES, first_images, make_missing, sides_missing
from mitame.thumbnails.store import ThumbnailStore


def make_thumbnails(
    store: Store,
    made: ThumbnailStore,
    copies: ThumbnailStore,
    *,
    threads: int | None = None,
    limits: ImageLimits | None = None,
) -> Shown:
    """Make what is missing of each item's first picture, as long as there is room.

    What can't be shown, as its file has gone or changed, is passed over. Interrupted, a second
    call goes on with what is missing then.

    Args:
        store: of the items.
        made: gets the thumbnails, as none that anybody has asked for.
        copies: small copies of pictures of which no file lies here; nothing is fetched.
        threads: workers; the number of usable cores when None.
        limits: bounds on bytes and pixels of a picture.
    """
    bounds, workers = limits or ImageLimits(), threads or usable_cores()

    def work(image: ItemImage) -> bool:
        try:
            rows = make_missing(image, made, copies, bounds)
        except MitameError:
            return False
        return bool(rows) and made.keep_unseen(rows)

    run = _Lacking(store, made)
    count = sum(bounded_map(work, run, threads=workers, window=4 * workers))
    return Shown(run.pictures - run.lacking + count, run.lacking - count)


class _Lacking:
    """Pictures without some thumbnails that there is room for; counts all."""

    def __init__(self, store: Store, made: ThumbnailStore) -> None:
        self._store = store
        self._made = made
        self.pictures = self.lacking = 0

    def __iter__(self) -> Iterator[ItemImage]:
        for image in first_images(self._store):
            if image is None or image.content_hash is None:
                continue
            self.pictures += 1
            if sides_missing(image, self._made):
                self.lacking += 1
                if self._made.has_room(USUAL_BYTES):
                    yield image
