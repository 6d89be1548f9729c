"""The Python door: open a collection, add items, ask what looks alike.

CLI, HTTP and page are thin doors to the same calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame import collection as storage
from mitame.adding import Adding
from mitame.arguments import (
    check_path,
    check_targets,
    check_threads,
    check_threshold,
    filter_of,
    lens_of,
    vector_of,
)
from mitame.choosing.lens import tune_lens
from mitame.choosing.wish import Wish
from mitame.collection import KEEP, Item, Lens, Patch, Remove
from mitame.collection.changes import Keep
from mitame.collection.item import check_attributes, check_category, check_id
from mitame.embedders.protocol import EmbedderSpec
from mitame.errors import InvalidId, UsageError
from mitame.filters import Filter
from mitame.images.limits import DEFAULT_LIMITS, ImageLimits
from mitame.images.sources import open_source
from mitame.ingest import IndexReport, index
from mitame.ingest.filling import FillReport, fill_lens
from mitame.ingest.lens_changes import check_filled, new_or_same
from mitame.ingest.report import OnProgress
from mitame.lenses import Embedders, Lenses
from mitame.opening import opened, opened_or_made
from mitame.picture import Picture, embedded
from mitame.search import Answer, Query, check_limit, search, similar


def open(  # noqa: A001 - read as mitame.open, beside json.load and gzip.open
    data: str | os.PathLike[str],
    collection: str = "default",
    *,
    create: bool = True,
    lenses: Lenses | None = None,
    threads: int | None = None,
    allow_private: bool = False,
    limits: ImageLimits | None = None,
) -> Collection:
    """Open a collection of a data directory; make both where they are missing.

    Args:
        data: directory that holds the collections.
        collection: its name: letters, digits, ``.``, ``_`` and ``-``; at most 100.
        create: make it when it is missing; otherwise that is an error.
        lenses: names to embedders, for a new collection: a catalogue name (see
            ``mitame models``), ``vectors:DIM`` or ``vectors:DIM:euclidean`` for vectors of
            your own, or a spec. The first one answers when no lens is named. A collection
            that exists must have them.
        threads: cores to use; all when None.
        allow_private: fetch pictures from private network addresses, too.
        limits: bounds on bytes and pixels of a picture.

    Raises:
        CollectionNotFound: it is missing and `create` is false.
        SpecMismatch: it exists, with other lenses than those named.
        CollectionError: it can't be opened; the code says why.
        UnknownEmbedder: a lens names an embedder that is not in the catalogue.
    """
    check_threads(threads)
    path = storage.collection_path(check_path(data, "data"), collection)
    store = opened_or_made(path, lenses) if create else opened(path, lenses)
    return Collection(store, threads=threads, allow_private=allow_private, limits=limits)


class Collection:
    """A named set of items. Safe for reading and writing from several threads at once.

    Every write is durable when its call returns and is seen by the next query of every
    process. Get one with `mitame.open`; close it, or use it in a ``with`` block.
    """

    def __init__(
        self,
        store: storage.Store,
        *,
        threads: int | None = None,
        allow_private: bool = False,
        limits: ImageLimits | None = None,
    ) -> None:
        self._store = store
        self._threads = threads
        self._allow_private = allow_private
        self._limits = limits or DEFAULT_LIMITS
        self._embedders = Embedders()

    # -- items ---------------------------------------------------------------------------

    def add(
        self,
        id: str | int,  # noqa: A002 - the word that users know
        *,
        image: Picture | None = None,
        images: Iterable[Picture] = (),
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
            UsageError: neither image nor vector, or both; a bad id, category or attribute.
            ImageError: the picture can't be used; nothing was changed.
            ItemExists: the id is there and `replace` is false.
        """
        adding = Adding(self.lenses, self._embedders, self._limits, self._allow_private)
        put = adding.put(
            id,
            image=image,
            images=images,
            vector=vector,
            vectors=vectors,
            category=category,
            attributes=attributes,
            replace=replace,
        )
        self._store.append([put])

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
        kind = category if isinstance(category, Keep) else check_category(category)
        self._store.append([Patch(check_id(id), category=kind, attributes=fields)])

    def remove(self, id: str | int) -> None:  # noqa: A002
        """Remove an item.

        Raises:
            ItemNotFound: no item has this id.
        """
        self.remove_all([id])

    def remove_all(self, ids: Iterable[str | int]) -> None:
        """Remove several items at once: all of them, or none.

        Raises:
            ItemNotFound: no item has one of these ids; nothing was removed.
        """
        self._store.append([Remove(each) for each in dict.fromkeys(map(check_id, ids))])

    def get(self, id: str | int) -> Item | None:  # noqa: A002
        """The item, or None. Its vectors are not loaded: see `vectors`."""
        wanted = check_id(id)
        with self._store.pin() as view:
            return view.get(wanted)

    def vectors(self, id: str | int, lens: str | None = None) -> NDArray[np.float32]:  # noqa: A002
        """The item's vectors as float32[images, dim].

        Raises:
            ItemNotFound: no item has this id.
        """
        wanted = check_id(id)
        with self._store.pin() as view:
            return view.vectors(wanted, lens_of(view.lenses, lens).name)

    def items(self, where: str | Filter | None = None) -> Iterator[Item]:
        """All items, by id, that match the filter; a consistent moment."""
        return self._walk(filter_of(where))

    def _walk(self, condition: Filter | None) -> Iterator[Item]:
        with self._store.pin() as view:
            yield from view.items(condition)

    def count(self, where: str | Filter | None = None) -> int:
        """How many items match the filter."""
        condition = filter_of(where)
        with self._store.pin() as view:
            return view.count(condition)

    def __len__(self) -> int:
        return self.count()

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            return isinstance(id, str | int) and self.get(id) is not None
        except InvalidId:
            return False

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
        effort: float | None = None,
        exact: bool = False,
    ) -> Answer:
        """What looks like this picture, or lies near this vector.

        Args:
            image: as in `add`.
            vector: float[dim] of the lens, instead of an image.
            limit: at most this many items, 1 to 10,000; the answer has as many as match.
            where: a filter such as ``category=mug,price<5000,sold_out!=true``.
            lens: which way of being alike; the first one when None.
            score_threshold: leave out neighbours with a lower score.
            effort: how hard to look, 0 (quickest) to 1; as was tuned when None.
            exact: look at every vector, whichever engine was chosen.
        """
        if (image is None) == (vector is None):
            raise UsageError("a search needs either an image or a vector", remedy="give one")
        condition, lowest = filter_of(where), check_threshold(score_threshold)
        check_limit(limit)
        with self._store.pin() as view:
            # The lens of this very moment: another process may switch its name meanwhile.
            chosen = lens_of(view.lenses, lens)
            if image is not None:
                asked = self._vector_of(image, chosen)
            elif vector is not None:
                asked = vector_of(vector, chosen)
            query = Query(
                chosen.name,
                asked[np.newaxis],
                limit,
                condition,
                score_threshold=lowest,
                effort=effort,
                exact=exact,
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
        effort: float | None = None,
        exact: bool = False,
    ) -> Answer:
        """What looks like this item; never the item itself.

        Raises:
            ItemNotFound: no item has this id.
        """
        wanted, condition = check_id(id), filter_of(where)
        lowest = check_threshold(score_threshold)
        with self._store.pin() as view:
            return similar(
                view,
                wanted,
                lens=lens_of(view.lenses, lens).name,
                limit=limit,
                where=condition,
                score_threshold=lowest,
                effort=effort,
                exact=exact,
            )

    def embed(self, image: Picture, *, lens: str | None = None) -> NDArray[np.float32]:
        """A picture's vector under a lens, float32[dim]; nothing is stored."""
        return self._vector_of(image, lens_of(self.lenses, lens))

    # -- the whole -----------------------------------------------------------------------

    def index(
        self,
        *targets: str | os.PathLike[str],
        category_from_folder: bool = False,
        prefix: str = "",
        prune: bool = False,
        allow_outside: bool = False,
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
            allow_outside: a manifest may name files outside its own folder.
            on_progress: called after every few images.
        """
        sources = [
            open_source(
                target,
                category_from_folder=category_from_folder,
                allow_outside=allow_outside,
                allow_private=self._allow_private,
                limits=self._limits,
            )
            for target in check_targets(targets)
        ]
        if not isinstance(prefix, str):
            raise UsageError(f"prefix is a {type(prefix).__name__}", remedy="give text")
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
        lens = new_or_same(self._store, name, embedder)
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
        check_filled(self._store, (name, other), force=force)
        self._store.swap_lenses(name, other)

    def tune(
        self,
        *,
        recall: float = 0.95,
        k: int = 10,
        memory: int | None = None,
        latency: float | None = None,
        lens: str | None = None,
        engines: Iterable[str] | None = None,
        budget: float | None = None,
        apply: bool = False,
    ) -> storage.Choice:
        """Measure engines on the collection's own vectors; keep the quickest that does it.

        Args:
            recall: share of the true k nearest that answers must have, above 0, at most 1.
            k: how many neighbours, 1 to 1,000.
            memory: at most so many bytes beside the vectors.
            latency: 99 of 100 queries take at most so many seconds.
            lens: which; the first one when None.
            engines: only these; all that are installed when None.
            budget: seconds to spend; 20 to 120, by size, when None.
            apply: build and serve the index at once; else the next merge does.

        Returns:
            The engine with its settings, its effort and why. A report is kept in the folder
            ``reports`` of the collection.

        Raises:
            UsageError: a value out of range, an unknown engine, fewer than two vectors.
            MissingExtra: an engine that was named is not installed.
        """
        wish = Wish(recall, k, memory, latency)
        name, only = lens_of(self.lenses, lens).name, None if engines is None else list(engines)
        tuning, _ = tune_lens(self._store, name, wish, engines=only, budget=budget)
        if apply:
            self._store.merge()
        return tuning.choice

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

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside --------------------------------------------------------------------------

    def _vector_of(self, picture: Picture, lens: Lens) -> NDArray[np.float32]:
        embedder = self._embedders.of(lens)
        return embedded(picture, embedder, limits=self._limits, allow_private=self._allow_private)


def collections(data: str | os.PathLike[str]) -> list[str]:
    """The names of the collections of a data directory, sorted."""
    return storage.list_collections(check_path(data, "data"))


__all__ = ["Collection", "collections", "open"]
