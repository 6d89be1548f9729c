"""Open the store under a path, or make it: what several processes may do at once."""

from __future__ import annotations

from pathlib import Path

from mitame import collection as storage
from mitame.dropping import is_remains
from mitame.errors import CollectionExists, CollectionNotFound, CorruptCollection
from mitame.lenses import DEFAULT_LENSES, Lenses, check_same, new_lenses


def opened_or_made(path: Path, lenses: Lenses | None) -> storage.Store:
    """The store at the path, made with these lenses (or the usual ones) where it is missing.

    Raises:
        SpecMismatch: it exists, without these lenses.
        CorruptCollection: only a part of it is there.
    """
    try:
        return opened(path, lenses)
    except CollectionNotFound:
        wanted = new_lenses(DEFAULT_LENSES if lenses is None else lenses)
    try:
        return storage.create(path, wanted)
    except CollectionExists:
        return opened(path, lenses)  # another process was faster


def opened(path: Path, lenses: Lenses | None) -> storage.Store:
    """The store at the path.

    Raises:
        CollectionNotFound: there is none; the remedy names those that are there.
        SpecMismatch, CorruptCollection: as `opened_or_made`.
    """
    try:
        store = storage.open_store(path)
    except CollectionNotFound:
        raise _missing(path) from None
    try:
        check_same(store.lenses, lenses or {})
    except BaseException:
        store.close()
        raise
    return store


def _missing(path: Path) -> CorruptCollection | CollectionNotFound:
    name = path.name
    if is_remains(path):
        return CorruptCollection(
            f"{path} has lost its database",
            remedy=f"restore it from a backup, or remove the rest: mitame drop {name} --yes",
        )
    there = ", ".join(storage.list_collections(path.parent))
    others = f", or choose one with --collection; there are: {there}" if there else ""
    return CollectionNotFound(
        f"no collection {name!r} in {path.parent}",
        remedy=f"make it with: mitame index FOLDER --collection {name}{others}",
    )
