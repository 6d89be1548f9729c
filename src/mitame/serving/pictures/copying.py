"""Small copies of an item's pictures, kept only where all of them could be used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.serving.pictures.small import small_copy
from mitame.serving.pictures.thumbnail_store import ThumbnailStore


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
