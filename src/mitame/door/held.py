"""What every call to a collection stands on: the open store, embedders, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Lens, Store
from mitame.collection.paths import COPIES
from mitame.config import MB
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.region import Region
from mitame.lenses import Embedders
from mitame.picture import Picture, embedded
from mitame.thumbnails.copying import COPIES_MB
from mitame.thumbnails.store import ThumbnailStore


class Held:
    """An open collection, before anything is done with it."""

    def __init__(
        self,
        store: Store,
        *,
        threads: int | None = None,
        allow_private: bool = False,
        limits: ImageLimits | None = None,
        copies_mb: float = COPIES_MB,
    ) -> None:
        self._store = store
        self._threads = threads
        self._allow_private = allow_private
        self._limits = limits or DEFAULT_LIMITS
        self._embedders = Embedders()
        self._copies = ThumbnailStore(store.path / COPIES, int(copies_mb * MB))

    @property
    def lenses(self) -> Mapping[str, Lens]:
        """The collection's lenses by name, the default one first."""
        return self._store.lenses

    @property
    def default_lens(self) -> str:
        """The lens that answers when none is named."""
        return next(iter(self._store.lenses))

    @property
    def path(self) -> Path:
        """The collection's directory."""
        return self._store.path

    @property
    def store(self) -> Store:
        """What lies underneath, for tools that walk all vectors."""
        return self._store

    def check(self) -> list[str]:
        """Look for damage; every problem in one line, none when all is well."""
        return self._store.check()

    def close(self) -> None:
        """Release files and threads; the collection can't be used afterwards."""
        self._copies.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _vector_of(
        self, picture: Picture, lens: Lens, region: Region | None = None
    ) -> NDArray[np.float32]:
        return embedded(
            picture,
            self._embedders.of(lens),
            limits=self._limits,
            allow_private=self._allow_private,
            region=region,
        )
