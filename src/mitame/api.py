"""The Python door: open a collection, add items, ask what looks alike.

CLI, HTTP and page are thin doors to the same calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame import collection as storage
from mitame.collection import KEEP, Item, ItemImage, Lens, Patch, Put, Remove
from mitame.collection.changes import Keep
from mitame.collection.item import check_attributes, check_id
from mitame.distances import check_vectors
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import CollectionNotFound, SpecMismatch, UnknownLens, UsageError
from mitame.filters import Filter, parse
from mitame.images.limits import ImageLimits
from mitame.images.sources import open_source
from mitame.ingest import IndexReport, index
from mitame.ingest.filling import FillReport, coverage, fill_lens
from mitame.ingest.report import OnProgress
from mitame.lenses import DEFAULT_LENSES, Embedders, Lenses, new_lenses
from mitame.picture import Picture, item_image, load
from mitame.search import Answer, Query, search, similar


def open(  # noqa: A001 - read as mitame.open, beside json.load and gzip.open
    data: str | os.PathLike[str],
    collection: str = "default",
    *,
    create: bool = True,
    lenses: Lenses | None = None,
    threads: int | None = None,
    allow_private: bool = False,
) -> Collection:
    """Open a collection of a data directory; make both where they are missing.

    Args:
        data: directory that holds the collections.
        collection: its name: letters, digits, ``.``, ``_`` and ``-``; at most 100.
        create: make it when it is missing; otherwise that is an error.
        lenses: names to embedders, for a new collection: a catalogue name (see
            ``mitame models``), ``vectors:DIM`` or ``vectors:DIM:euclidean`` for vectors of
            your own, or a spec. The first one answers when no lens is named.
        threads: cores to use; all when None.
        allow_private: fetch pictures from private network addresses, too.

    Raises:
        CollectionNotFound: it is missing and `create` is false.
        CollectionError: it can't be opened; the code says why.
        UnknownEmbedder: a lens names an embedder that is not in the catalogue.
    """
    path = storage.collection_path(Path(data), collection)
    try:
        store = storage.open_store(path)
    except CollectionNotFound:
        if not create:
            raise
        store = storage.create(path, new_lenses(lenses or DEFAULT_LENSES))
    return Collection(store, threads=threads, allow_private=allow_private)


class Collection:
    """A named set of items. Safe for reading and writing from several threads at once.

    Every write is durable when its call returns and is seen by the next query of every
    process. Get one with `mitame.open`; close it, or use it in a ``with`` block.
    """

    def __init__(
        self, store: storage.Store, *, threads: int | None = None, allow_private: bool = False
    ) -> None:
        self._store = store
        self._threads = threads
        self._allow_private = allow_private
        self._limits = ImageLimits()
        self._embedders = Embedders()

    # -- items ---------------------------------------------------------------------------

    def add(
        self,
        id: str | int,  # noqa: A002 - the word that users know
        *,
        image: Picture | None = None,
        images: Sequence[Picture] = (),
        vector: ArrayLike | None = None,
        vectors: Mapping[str, ArrayLike] | None = None,
        category: str | None = None,
        attributes: Mapping[str, object] | None = None,
        replace: bool = True,
    ) -> None:
        """Add an item, or replace it whole; durable and searchable when this returns.

        Args:
            id: any string of 1 to 1,000 characters; an integer becomes its decimal digits.
            image: a path, an http(s) URL, the file's bytes, a binary file object, or pixels as
                uint8[height, width, 3].
            images: several of them, when the item has more than one.
            vector: float[dim] for the first lens, instead of an image.
            vectors: one vector per lens name, instead of an image.
            category: one word or phrase.
            attributes: names to strings, numbers, booleans, None or lists of strings.
            replace: False refuses an id that is there already.

        Raises:
            UsageError: neither image nor vector, or both; a bad id or attribute.
            ImageError: the picture can't be used; nothing was changed.
            ItemExists: the id is there and `replace` is false.
        """
        pictures = [*([] if image is None else [image]), *images]
        given = dict(vectors or {})
        if vector is not None:
            given[self.default_lens] = vector
        if bool(pictures) == bool(given):
            raise UsageError("an item needs either images or vectors", remedy="give one of both")
        kept = [self._pictured(picture) for picture in pictures] or [self._bare(given)]
        item = Item(check_id(id), category, check_attributes(attributes), tuple(kept))
        prints = {} if given else self._fingerprints()
        self._store.append([Put(item, create_only=not replace, fingerprints=prints)])

    def update(
        self,
        id: str | int,  # noqa: A002
        *,
        category: str | Keep | None = KEEP,
        attributes: Mapping[str, object] | Keep = KEEP,
    ) -> None:
        """Change an item's category or attributes; its images and vectors stay.

        Raises:
            ItemNotFound: no item has this id.
        """
        fields = attributes if isinstance(attributes, Keep) else check_attributes(attributes)
        self._store.append([Patch(check_id(id), category=category, attributes=fields)])

    def remove(self, id: str | int) -> None:  # noqa: A002
        """Remove an item.

        Raises:
            ItemNotFound: no item has this id.
        """
        self._store.append([Remove(check_id(id))])

    def get(self, id: str | int) -> Item | None:  # noqa: A002
        """The item, or None. Its vectors are not loaded: see `vectors`."""
        with self._store.pin() as view:
            return view.get(check_id(id))

    def vectors(self, id: str | int, lens: str | None = None) -> NDArray[np.float32]:  # noqa: A002
        """The item's vectors as float32[images, dim].

        Raises:
            ItemNotFound: no item has this id.
        """
        with self._store.pin() as view:
            return view.vectors(check_id(id), _lens_of(view.lenses, lens).name)

    def items(self, where: str | Filter | None = None) -> Iterator[Item]:
        """All items, by id, that match the filter; a consistent moment."""
        with self._store.pin() as view:
            yield from view.items(_filter(where))

    def count(self, where: str | Filter | None = None) -> int:
        """How many items match the filter."""
        with self._store.pin() as view:
            return view.count(_filter(where))

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return isinstance(id, str | int) and self.get(id) is not None

    # -- asking --------------------------------------------------------------------------

    def search(
        self,
        *,
        image: Picture | None = None,
        vector: ArrayLike | None = None,
        limit: int = 10,
        where: str | Filter | None = None,
        lens: str | None = None,
        score_threshold: float | None = None,
    ) -> Answer:
        """What looks like this picture, or lies near this vector.

        Args:
            image: as in `add`.
            vector: float[dim] of the lens, instead of an image.
            limit: at most this many items, 1 to 10,000; the answer has as many as match.
            where: a filter such as ``category=mug,price<5000,sold_out!=true``.
            lens: which way of being alike; the first one when None.
            score_threshold: leave out neighbours with a lower score.
        """
        if (image is None) == (vector is None):
            raise UsageError("a search needs either an image or a vector", remedy="give one")
        with self._store.pin() as view:
            # The lens of this very moment: another process may switch its name meanwhile.
            chosen = _lens_of(view.lenses, lens)
            asked = self._vector_of(image, chosen) if image is not None else vector
            query = Query(
                lens=chosen.name,
                vectors=check_vectors(np.atleast_2d(np.asarray(asked)), chosen.spec.dimension),
                limit=limit,
                where=_filter(where),
                score_threshold=score_threshold,
            )
            return search(view, query)

    def similar(
        self,
        id: str | int,  # noqa: A002
        *,
        limit: int = 10,
        where: str | Filter | None = None,
        lens: str | None = None,
        score_threshold: float | None = None,
    ) -> Answer:
        """What looks like this item; never the item itself.

        Raises:
            ItemNotFound: no item has this id.
        """
        with self._store.pin() as view:
            return similar(
                view,
                check_id(id),
                lens=_lens_of(view.lenses, lens).name,
                limit=limit,
                where=_filter(where),
                score_threshold=score_threshold,
            )

    def embed(self, image: Picture, *, lens: str | None = None) -> NDArray[np.float32]:
        """A picture's vector under a lens, float32[dim]; nothing is stored."""
        return self._vector_of(image, _lens_of(self.lenses, lens))

    # -- the whole -----------------------------------------------------------------------

    def index(
        self,
        *targets: str | os.PathLike[str],
        category_from_folder: bool = False,
        prefix: str = "",
        prune: bool = False,
        on_progress: OnProgress | None = None,
    ) -> IndexReport:
        """Bring the collection in line with folders, archives, manifests or lists of URLs.

        A second call skips what did not change. Ctrl-C stops it cleanly: the report then says
        ``interrupted`` and counts what was kept.

        Args:
            targets: paths or URLs.
            category_from_folder: an image's folder is its item's category.
            prefix: put before every id, to keep two folders apart.
            prune: remove items whose file vanished from its target.
            on_progress: called after every few images.
        """
        sources = [
            open_source(
                os.fspath(target),
                category_from_folder=category_from_folder,
                allow_private=self._allow_private,
                limits=self._limits,
            )
            for target in targets
        ]
        return index(
            self._store,
            self._embedders.all(self.lenses),
            sources,
            prefix=prefix,
            prune=prune,
            threads=self._threads,
            limits=self._limits,
            on_progress=on_progress,
        )

    def add_lens(
        self, name: str, embedder: str | EmbedderSpec, *, on_progress: OnProgress | None = None
    ) -> FillReport:
        """Add a lens, and give every image a vector for it from where the image came.

        Both the new and the old lenses answer meanwhile. Called again for a lens of the same
        embedder, it goes on with the images that have no vector yet.

        Raises:
            SpecMismatch: there is a lens of this name with another embedder.
        """
        (lens,) = new_lenses({name: embedder})
        known = self._store.lenses.get(name)
        if known is None:
            self._store.add_lens(lens)
        elif known.spec.fingerprint != lens.spec.fingerprint:
            raise SpecMismatch(f"the lens {name!r} is there already, with {known.spec.name}")
        return fill_lens(
            self._store,
            name,
            self._embedders.of(lens),
            threads=self._threads,
            limits=self._limits,
            allow_private=self._allow_private,
            on_progress=on_progress,
        )

    def switch_lenses(self, name: str, other: str, *, force: bool = False) -> None:
        """Exchange the names of two lenses, at once for every process; again leads back.

        Raises:
            UsageError: images have no vector for one of them yet, and `force` is false.
        """
        lacking = {each: count for each, count in coverage(self._store).items() if count}
        for each in (_lens_of(self.lenses, name).name, _lens_of(self.lenses, other).name):
            if each in lacking and not force:
                raise UsageError(
                    f"{lacking[each]} images have no vector for the lens {each!r} yet",
                    remedy=f"go on with: mitame lens add {each} EMBEDDER, or use --force",
                )
        self._store.swap_lenses(name, other)

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
    def store(self) -> storage.Store:
        """What lies underneath, for tools that walk all vectors."""
        return self._store

    def check(self) -> list[str]:
        """Look for damage; every problem in one line, none when all is well."""
        return self._store.check()

    def close(self) -> None:
        """Release files and threads; the collection can't be used afterwards."""
        self._store.close()

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- inside --------------------------------------------------------------------------

    def _vector_of(self, picture: Picture, lens: Lens) -> NDArray[np.float32]:
        embedder = self._embedders.of(lens)
        loaded = load(
            picture,
            side=embedder.decode_side,
            limits=self._limits,
            allow_private=self._allow_private,
        )
        vector: NDArray[np.float32] = embedder.embed([embedder.prepare(loaded.decoded.pixels)])[0]
        return vector

    def _pictured(self, picture: Picture) -> ItemImage:
        embedders = self._embedders.all(self.lenses)
        return item_image(
            picture, embedders, limits=self._limits, allow_private=self._allow_private
        )

    def _fingerprints(self) -> dict[str, str]:
        return {name: lens.spec.fingerprint for name, lens in self._store.lenses.items()}

    def _bare(self, given: Mapping[str, ArrayLike]) -> ItemImage:
        return ItemImage(
            vectors={
                name: check_vectors(np.atleast_2d(np.asarray(vector)), self._dimension(name))[0]
                for name, vector in given.items()
            }
        )

    def _dimension(self, lens: str) -> int:
        return _lens_of(self.lenses, lens).spec.dimension


def collections(data: str | os.PathLike[str]) -> list[str]:
    """The names of the collections of a data directory, sorted."""
    return storage.list_collections(Path(data))


def _lens_of(lenses: Mapping[str, Lens], name: str | None) -> Lens:
    """The named lens, or the first."""
    wanted = name or next(iter(lenses))
    if wanted not in lenses:
        raise UnknownLens(f"no lens {wanted!r}", remedy=f"choose from: {', '.join(lenses)}")
    return lenses[wanted]


def _filter(where: str | Filter | None) -> Filter | None:
    return parse(where) if isinstance(where, str) else where


__all__ = ["Collection", "collections", "open"]
