"""The collections that a worker has open; others may make and drop them meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mitame import api
from mitame.collection import collection_path, list_collections
from mitame.collection.paths import DATABASE
from mitame.config import ServeConfig
from mitame.errors import CollectionExists, CollectionNotFound, UsageError
from mitame.images.limits import ImageLimits
from mitame.lenses import Lenses
from mitame.serving.callers.roles import no_collection
from mitame.serving.dimensions import lenses_within
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.work.running import Threads


@dataclass(frozen=True)
class _Open:
    collection: api.Collection
    file: tuple[int, int]


class OpenCollections:
    """Opens each collection once. Safe from several threads.

    Args:
        config: of the service.
        threads: that open them.
        cores: that indexing may use.
        limits: bounds on a picture; those of the configuration where None.
    """

    def __init__(
        self,
        config: ServeConfig,
        threads: Threads,
        *,
        cores: int = 1,
        limits: ImageLimits | None = None,
    ) -> None:
        self._data = config.data
        self._config = config
        self._cores = cores
        self._own_limits = limits
        self._threads = threads
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """All that there are, sorted."""
        return list_collections(self._data)

    async def get(self, name: str) -> api.Collection:
        """The open collection.

        Raises:
            CollectionNotFound: there is none of this name.
        """
        held = self.held(name)
        return held if held is not None else await self._threads.run(self.opened, name)

    def known(self, name: str) -> api.Collection | None:
        """The collection that was open at the last `held`, for who knows that it is the same."""
        found = self._open.get(name)
        return None if found is None else found.collection

    def held(self, name: str) -> api.Collection | None:
        """The collection where it is open and still the one on the disk; costs one stat."""
        found = self._open.get(name)
        if found is None or _identity(self._path(name)) != found.file:
            return None
        return found.collection

    def opened(self, name: str) -> api.Collection:
        """As `get`, for callers on a thread."""
        with self._lock:
            held = self.held(name)
            if held is not None:
                return held
            self._forget(name)
            identity = _identity(self._path(name))
            if identity is None:
                raise no_collection(name)
            collection = api.open(
                self._data,
                name,
                create=False,
                threads=self._cores,
                allow_private=self._config.allow_private,
                limits=self._limits,
                copies_mb=self._config.limits.copies_mb,
            )
            self._open[name] = _Open(collection, identity)
            return collection

    def create(self, name: str, lenses: Lenses | None) -> None:
        """Make a collection that a caller wants.

        Raises:
            CollectionExists: there is one.
            InvalidBody: a lens has more dimensions than callers may make.
            UsageError, UnknownEmbedder: the lenses can't be.
        """
        self._create(name, lambda: lenses_within(lenses, self._config.limits))

    def _create(self, name: str, lenses: Callable[[], Lenses | None]) -> None:
        with self._lock:
            if _identity(collection_path(self._data, name)) is not None:
                raise CollectionExists(f"collection {name!r} exists already")
            api.open(self._data, name, create=True, lenses=lenses()).close()

    def opened_or_made(self, name: str) -> api.Collection:
        """As `opened`; made with the usual lenses where it is missing."""
        with suppress(CollectionNotFound):
            return self.opened(name)
        with suppress(CollectionExists):
            self._create(name, lambda: None)  # the operator's folders, whatever callers may do
        return self.opened(name)

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for name in list(self._open):
                self._forget(name)

    def _forget(self, name: str) -> None:
        found = self._open.pop(name, None)
        if found is not None:
            found.collection.close()

    def _path(self, name: str) -> Path:
        try:
            return collection_path(self._data, name)
        except UsageError:
            raise no_collection(name) from None

    @property
    def _limits(self) -> ImageLimits:
        if self._own_limits is not None:
            return self._own_limits
        return picture_limits(self._config.limits)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = (path / DATABASE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
