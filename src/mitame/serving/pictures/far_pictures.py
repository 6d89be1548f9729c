"""Pictures at an address elsewhere of which no copy is kept: fetched when they are first shown.

A reader chooses nothing of what is asked: only the address that the item was indexed from is, from
public addresses alone unless the configuration allows others, and what comes is kept and shown
only where it is the very file that was indexed.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from mitame.collection import ItemImage
from mitame.config import ServeConfig
from mitame.errors import MitameError, Overloaded
from mitame.images.fingerprint import content_hash
from mitame.images.sources import fetch
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.work.running import Threads
from mitame.thumbnails.copying import FarCopies
from mitame.thumbnails.making import COPY_SIDE
from mitame.thumbnails.originals import is_url
from mitame.thumbnails.store import ThumbnailStore

AT_ONCE = 4
_WAITING = 256
_FETCH_SECONDS = 10.0
"""For one picture, from resolving its name to its last byte."""
_PATIENCE_SECONDS = 20.0
"""Of whoever wants to see it; the work goes on, and the next one finds it done."""
AGAIN_SECONDS = 600.0
"""Before an address that gave nothing is asked again."""
_REMEMBERED = 10_000


class FarPictures:
    """Fetches them, a few at once, each once. For one event loop.

    Args:
        config: of the service; where no copies are kept, nothing is fetched.
    """

    def __init__(self, config: ServeConfig) -> None:
        self._wanted = config.limits.copies_mb > 0
        self._allow_private = config.allow_private
        self._limits = picture_limits(config.limits)
        self._threads = Threads(AT_ONCE, _WAITING)
        self._under_way: dict[str, asyncio.Task[bool]] = {}
        self._failed: OrderedDict[str, float] = OrderedDict()

    async def copied(self, image: ItemImage, copies: ThumbnailStore) -> bool:
        """Whether a copy of the picture has come into the store by now.

        Args:
            image: of an item.
            copies: of its collection.
        """
        if not self._wanted or image.content_hash is None or not is_url(image.source):
            return False
        key = f"{image.content_hash} {image.source}"
        if time.monotonic() < self._failed.get(key, 0.0):
            return False
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._work(key, image, copies))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE_SECONDS)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Let go of the threads, after what is under way."""
        self._threads.close()

    async def _work(self, key: str, image: ItemImage, copies: ThumbnailStore) -> bool:
        try:
            await self._threads.run(self._fetch, image, copies)
        except Overloaded:
            return False
        except MitameError:
            self._failed[key] = time.monotonic() + AGAIN_SECONDS
            self._failed.move_to_end(key)
            while len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
            return False
        self._failed.pop(key, None)
        return True

    def _fetch(self, image: ItemImage, copies: ThumbnailStore) -> None:
        """Fetch and keep.

        Raises:
            MitameError: it is not to be had, is another one by now, or can't be kept.
        """
        source, digest, limits = str(image.source), str(image.content_hash), self._limits
        data = fetch(
            source,
            allow_private=self._allow_private,
            max_bytes=limits.max_bytes,
            timeout_s=_FETCH_SECONDS,
            max_redirects=limits.max_redirects,
        )
        if content_hash(data) == digest:
            FarCopies(copies, limits).keep_file(digest, source, data, COPY_SIDE // 2)
        if copies.find(digest) is None:
            raise MitameError("the picture has changed, or can't be kept")
