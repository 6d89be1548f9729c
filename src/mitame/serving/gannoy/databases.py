"""gannoy's databases: collections whose first lens holds vectors of the user's own."""

from __future__ import annotations

from mitame.api import Collection
from mitame.collection import Lens
from mitame.errors import CollectionNotFound, MitameError
from mitame.lenses import OWN_VECTORS
from mitame.serving.callers.roles import no_collection
from mitame.serving.routes import Call


def lens_of(collection: Collection) -> Lens:
    """The lens that gannoy's features belong to: the first one."""
    return collection.lenses[collection.default_lens]


def is_database(collection: Collection) -> bool:
    """Whether features can be put into it."""
    return lens_of(collection).spec.name == OWN_VECTORS


async def database(call: Call, name: str) -> Collection:
    """The open collection behind a database.

    Raises:
        CollectionNotFound: there is none, its first lens is of pictures, or the caller's key
            does not reach it.
    """
    if not call.caller.reaches(name):
        raise no_collection(name)
    collection = await call.service.collections.get(name)
    if not is_database(collection):
        raise CollectionNotFound(f"collection {name!r} holds pictures, not features")
    return collection


async def names(call: Call) -> list[str]:
    """The databases that the caller reaches, sorted; one that can't be opened is left out."""
    there = await call.service.threads.run(call.service.collections.names)
    kept: list[str] = []
    for name in there:
        try:
            await database(call, name)
        except MitameError:
            continue
        kept.append(name)
    return kept
