"""The Python door: open a collection, add items, ask what looks alike.

CLI, HTTP and page are thin doors to the same calls.
"""

from __future__ import annotations

import os
from typing import Any

from mitame.arguments import check_megabytes, check_path, check_threads
from mitame.collection import collection_path, list_collections
from mitame.door.asking import Asking
from mitame.door.items import Items
from mitame.door.whole import Whole
from mitame.images.limits import ImageLimits
from mitame.lenses import Lenses
from mitame.opening import opened, opened_or_made
from mitame.thumbnails.copying import COPIES_MB


def open(  # noqa: A001 - read as mitame.open, beside json.load and gzip.open
    data: str | os.PathLike[str],
    collection: str = "default",
    *,
    create: bool = True,
    lenses: Lenses | None = None,
    threads: int | None = None,
    allow_private: bool = False,
    limits: ImageLimits | None = None,
    copies_mb: float = COPIES_MB,
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
        copies_mb: megabytes of small copies that are kept of pictures of which no file lies here
            (at URLs, or handed over as bytes or pixels), so that a server can show them; beyond,
            the oldest leave. 0 keeps none.

    Raises:
        CollectionNotFound: it is missing and `create` is false.
        SpecMismatch: it exists, with other lenses than those named.
        CollectionError: it can't be opened; the code says why.
        UnknownEmbedder: a lens names an embedder that is not in the catalogue.
    """
    check_threads(threads)
    kept = check_megabytes(copies_mb, "copies_mb")
    path = collection_path(check_path(data, "data"), collection)
    store = opened_or_made(path, lenses) if create else opened(path, lenses)
    bounds: dict[str, Any] = {"limits": limits, "copies_mb": kept}
    return Collection(store, threads=threads, allow_private=allow_private, **bounds)


class Collection(Items, Asking, Whole):
    """A named set of items. Safe for reading and writing from several threads at once.

    Every write is durable when its call returns and is seen by the next query of every
    process. Get one with `mitame.open`; close it, or use it in a ``with`` block.
    """


def collections(data: str | os.PathLike[str]) -> list[str]:
    """The names of the collections of a data directory, sorted."""
    return list_collections(check_path(data, "data"))


__all__ = ["Collection", "collections", "open"]
