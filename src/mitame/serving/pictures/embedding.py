"""Pictures to vectors: a bounded number at once, together where the embedder wants batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitame.api import Collection
from mitame.arguments import lens_of
from mitame.collection import ItemImage, Lens
from mitame.config import ServeConfig
from mitame.embedders.catalog import entries, open_embedder
from mitame.embedders.protocol import Embedder, PatchEmbedder, Patches
from mitame.errors import ImageError, Overloaded, UnknownEmbedder
from mitame.images.decode import Decoded
from mitame.images.region import Region, check_region
from mitame.images.sources import fetch
from mitame.lenses import Embedders
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.pictures.picture_work import Worked, work
from mitame.serving.pictures.together import Together
from mitame.serving.seeing.metrics import Metrics
from mitame.serving.work.running import Threads
from mitame.thumbnails.copying import Copying
from mitame.thumbnails.store import ThumbnailStore

T = TypeVar("T")
Given: TypeAlias = bytes | str
"""A picture's file, or the URL that it is fetched from. Never a path: callers are far away."""

_FETCHERS = 16
_AT_ONCE = 32
"""Pictures of one request that are under way at once, so that it leaves room for others."""


class Embedding:
    """Fetches, decodes and embeds, on threads of its own. For one event loop.

    Slow servers that pictures come from hold up only other pictures that have to be fetched.

    Args:
        config: of the service.
        metrics: that are told.
    """

    def __init__(self, config: ServeConfig, metrics: Metrics) -> None:
        self._metrics = metrics
        self._allow_private = config.allow_private
        self._limits = picture_limits(config.limits)
        self._most = config.threads + config.limits.waiting
        self._at_once = max(1, min(_AT_ONCE, self._most // 2))
        self._under_way = 0
        self._embedders = Embedders()
        self._open: dict[str, Embedder] = {}
        self._together: dict[str, Together] = {}
        self._workers = Threads(config.threads, 2 * self._most)
        self._fetchers = Threads(_FETCHERS, 2 * self._most)
        self._batches = Threads(1, 2 * self._most)

    @property
    def under_way(self) -> int:
        """Pictures that wait or are worked on."""
        return self._under_way

    async def vectors(
        self,
        collection: Collection,
        lens: str | None,
        pictures: Sequence[Given],
        region: Region | None = None,
    ) -> NDArray[np.float32]:
        """The pictures' vectors in a lens of a collection, float32[n, dim].

        Args:
            collection: whose lens it is.
            lens: its name; the first one where None.
            pictures: files or URLs.
            region: the box of each picture that is looked at; all of it where None.

        Raises:
            UnknownLens, SpecMismatch: the lens can't be used.
            ImageError, SourceError: a picture can't be.
            UsageError: the lens has no embedder, or the region is no box.
            Overloaded: too many pictures wait already.
        """
        embedder = await self.of(lens_of(collection.lenses, lens))
        return await self.embedded(embedder, pictures, region)

    async def images(
        self,
        lenses: Mapping[str, Lens],
        pictures: Sequence[Given],
        copies: ThumbnailStore | None = None,
    ) -> list[ItemImage]:
        """The pictures as images of an item, with a vector for every lens.

        Args:
            lenses: of the collection, by name.
            pictures: files or URLs.
            copies: gets a small copy of each, once all of them could be used.

        Raises:
            MitameError: as `vectors`.
        """
        embedders = await self._of(lenses)
        copying = None if copies is None else Copying(copies)
        images = await self._all(embedders, pictures, None, copying)
        if copying is not None and copying.has_new:
            await self._workers.run(copying.keep)
        return images

    async def embedded(
        self, embedder: Embedder, pictures: Sequence[Given], region: Region | None = None
    ) -> NDArray[np.float32]:
        """The pictures' vectors by an embedder, float32[n, dim]; errors as `vectors`."""
        box = None if region is None else check_region(region)
        images = await self._all({"": embedder}, pictures, box)
        rows = [image.vectors[""] for image in images]
        return np.array(rows, np.float32).reshape(len(rows), embedder.spec.dimension)

    async def patches(
        self, embedder: PatchEmbedder, reads: Sequence[Callable[[], Decoded]]
    ) -> list[Patches]:
        """What a few pictures show, part by part; they wait and are bounded as all others are.

        Args:
            embedder: that tells the parts.
            reads: gives each picture's pixels, on a thread; what one raises is raised here.

        Raises:
            Overloaded: too many pictures wait already.
        """
        done = await asyncio.gather(
            *(self._patches(embedder, read) for read in reads), return_exceptions=True
        )
        return [_or_raise(each) for each in done]

    async def of(self, lens: Lens) -> Embedder:
        """The embedder of a lens, opened once and kept; errors as `vectors`."""
        return (await self._of({"": lens}))[""]

    async def named(self, name: str) -> Embedder:
        """The embedder that the catalogue has under this name, opened once and kept.

        Raises:
            UnknownEmbedder: there is none. Names that have a path or another catalogue's name
                in them are none either: a caller must not choose what is opened here.
            MissingExtra, WeightsNotFound, InvalidModel: it can't be opened here.
        """
        if name not in {entry.name for entry in entries()} or ":" in name or "/" in name:
            raise UnknownEmbedder(
                f"no embedder is called {name[:100]!r}",
                remedy="name a collection and its lens, or one of: "
                + ", ".join(e.name for e in entries() if not set(":/") & set(e.name)),
            )
        if name not in self._open:
            self._open[name] = await self._workers.run(open_embedder, name)
        return self._open[name]

    def close(self) -> None:
        """Let go of the embedders, after what is under way."""
        for pool in (self._fetchers, self._workers, self._batches):
            pool.close()

    async def _of(self, lenses: Mapping[str, Lens]) -> dict[str, Embedder]:
        prints = {name: lens.spec.fingerprint for name, lens in lenses.items()}
        if not all(each in self._open for each in prints.values()):
            opened = await self._workers.run(self._embedders.all, lenses)
            self._open |= {prints[name]: embedder for name, embedder in opened.items()}
        return {name: self._open[each] for name, each in prints.items()}

    async def _all(
        self,
        embedders: Mapping[str, Embedder],
        pictures: Sequence[Given],
        region: Region | None,
        copying: Copying | None = None,
    ) -> list[ItemImage]:
        images: list[ItemImage] = []
        for start in range(0, len(pictures), self._at_once):
            part = pictures[start : start + self._at_once]
            works = [self._image(embedders, picture, region, copying) for picture in part]
            # All are waited for before an error is told, lest work goes on that nobody counts.
            done = await asyncio.gather(*works, return_exceptions=True)
            images += [_or_raise(each) for each in done]
        return images

    async def _image(
        self,
        embedders: Mapping[str, Embedder],
        picture: Given,
        region: Region | None,
        copying: Copying | None,
    ) -> ItemImage:
        with self._counted():
            url = picture if isinstance(picture, str) else None
            data = await self._read(picture)
            done = await self._worked(data, embedders, region, copying)
            for name, prepared in done.prepared.items():
                done.vectors[name] = await self._queue(embedders[name]).embed(prepared)
            return done.image(url)

    async def _patches(self, embedder: PatchEmbedder, read: Callable[[], Decoded]) -> Patches:
        def working() -> Patches:
            decoded = read()
            with self._metrics.stage("embed"):
                return embedder.patches(decoded.pixels)

        with self._counted():
            return await self._workers.run(working)

    async def _worked(
        self,
        data: bytes,
        embedders: Mapping[str, Embedder],
        region: Region | None,
        copying: Copying | None,
    ) -> Worked:
        settings = (self._limits, region, self._metrics)

        def working() -> Worked:
            done = work(data, embedders, *settings)
            if copying is not None:
                copying.make(done.content_hash, done.decoded.pixels)
            return done

        try:
            return await self._workers.run(working)
        except ImageError as error:
            self._metrics.bad_image(error.code)
            raise

    async def _read(self, picture: Given) -> bytes:
        if isinstance(picture, bytes):
            return picture
        return await self._fetchers.run(self._fetch, picture)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._under_way >= self._most:
            raise Overloaded("too many pictures wait to be embedded")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def _queue(self, embedder: Embedder) -> Together:
        key = embedder.spec.fingerprint
        if key not in self._together:
            self._together[key] = Together(embedder, self._batches, self._metrics)
        return self._together[key]

    def _fetch(self, url: str) -> bytes:
        limits = self._limits
        return fetch(
            url,
            allow_private=self._allow_private,
            max_bytes=limits.max_bytes,
            timeout_s=limits.fetch_seconds,
            max_redirects=limits.max_redirects,
        )


def _or_raise(result: T | BaseException) -> T:
    if isinstance(result, BaseException):
        raise result
    return result
