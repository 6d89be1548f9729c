"""Small copies of pictures that nobody can read again here: uploads, and what lies elsewhere.

They are made while the bytes are at hand. What can't be kept is no matter: an item without a copy
is found as any other, and only shows nothing.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mitame.errors import ImageError
from mitame.images.decode import decode
from mitame.images.limits import ImageLimits
from mitame.thumbnails.making import small_copy
from mitame.thumbnails.originals import is_url
from mitame.thumbnails.store import ThumbnailStore

COPIES_MB = 2_000
"""Megabytes of a collection's copies that are kept, where nobody says how many."""


class Copying:
    """Copies of the pictures of one item, which nobody keeps while one of them can't be used.

    Safe from several threads.

    Args:
        store: that is to have them.
    """

    def __init__(self, store: ThumbnailStore) -> None:
        self._store = store
        self._made: dict[str, bytes] = {}

    @property
    def has_new(self) -> bool:
        """Whether there is one that the store lacks."""
        return bool(self._made)

    def make(self, content_hash: str, pixels: NDArray[np.uint8]) -> None:
        """Make one where the store keeps any and lacks it; it is not in the store then.

        Args:
            content_hash: of the picture's file, which is the copy's name.
            pixels: uint8[height, width, 3], RGB.
        """
        if self._store.lacks(content_hash):
            self._made[content_hash] = small_copy(pixels)

    def keep(self) -> None:
        """Put what was made into the store. It writes to the disk: call it on a thread."""
        for name, data in self._made.items():
            self._store.keep(name, data)


class FarCopies:
    """Copies of pictures at addresses elsewhere, made by whoever has just fetched them.

    Safe from several threads.

    Args:
        store: that has them; None keeps none.
        limits: bounds on bytes and pixels.
    """

    def __init__(self, store: ThumbnailStore | None, limits: ImageLimits) -> None:
        self._store = store
        self._limits = limits

    def keep(self, content_hash: str, location: str | None, pixels: NDArray[np.uint8]) -> None:
        """Keep a copy where the picture lies elsewhere and there is none.

        Args:
            content_hash: of its file.
            location: where it came from.
            pixels: uint8[height, width, 3], RGB.
        """
        if self._store is not None and self._lacks(content_hash, location):
            self._store.keep(content_hash, small_copy(pixels))

    def keep_file(self, content_hash: str, location: str | None, data: bytes, side: int) -> None:
        """As `keep`, of a file that nobody has decoded: it is, where a copy is missing.

        Args:
            content_hash, location: as there.
            data: the file's bytes; where they can't be decoded, nothing is kept.
            side: the shorter side that is enough, in pixels.
        """
        if self._lacks(content_hash, location):
            with suppress(ImageError):
                decoded = decode(data, limits=self._limits, min_side=side)
                self.keep(content_hash, location, decoded.pixels)

    def _lacks(self, content_hash: str, location: str | None) -> bool:
        return self._store is not None and is_url(location) and self._store.lacks(content_hash)
