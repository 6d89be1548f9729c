"""The snapshots of a collection: listed, switched to, rolled back to."""

from __future__ import annotations

from starlette.responses import Response

from mitame.api import Collection
from mitame.collection import GenerationInfo
from mitame.errors import CollectionBusy, CollectionNotFound, CorruptCollection, GenerationNotFound
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.generations import Generation, GenerationList

_ALL = "/v1/collections/{collection}/generations"


async def listed(call: Call) -> Response:
    """The snapshots that can be served, and what has changed since."""
    collection = await call.collection()
    return reply(await call.service.threads.run(_list, collection))


async def activated(call: Call) -> Response:
    """Serve a snapshot; no item changes."""
    number = _number(call.params["generation"])
    collection = await call.collection()
    return reply(await call.service.threads.run(_activate, collection, number))


def _list(collection: Collection) -> GenerationList:
    infos = [_info(info) for info in collection.store.generations()]
    return GenerationList(generations=infos, delta=collection.store.delta().items)


def _activate(collection: Collection, number: int) -> Generation:
    found = {info.number: info for info in collection.store.generations()}
    if number not in found:
        raise GenerationNotFound(f"there is no generation {number}")
    if not found[number].served:
        collection.store.rollback(number)
    return _info(next(i for i in collection.store.generations() if i.number == number))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise GenerationNotFound(f"there is no generation {text[:40]!r}")
    return int(text)


def _info(info: GenerationInfo) -> Generation:
    return Generation(
        number=info.number,
        position=info.position,
        items=info.items,
        bytes=info.bytes,
        created=info.created,
        served=info.served,
        problem=info.problem,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        _ALL,
        listed,
        Role.READ,
        "List the snapshots that can be served",
        GenerationList,
        errors=(CollectionNotFound,),
        tag="generations",
    ),
    Route(
        "POST",
        _ALL + "/{generation}:activate",
        activated,
        Role.ADMIN,
        "Switch to a snapshot, or roll back",
        Generation,
        errors=(CollectionNotFound, GenerationNotFound, CollectionBusy, CorruptCollection),
        tag="generations",
    ),
)
