"""Collections as a whole: listed, made, described, dropped."""

from __future__ import annotations

from starlette.responses import Response

from mitame import api
from mitame.collection import View, bytes_within, index_status
from mitame.collection.delta import delta_counts
from mitame.collection.paths import check_name
from mitame.dropping import drop_collection
from mitame.errors import CollectionExists, CollectionNotFound, InvalidBody, UnknownEmbedder
from mitame.lenses import Lenses
from mitame.serving.callers.roles import Role
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.collections import CollectionInfo, CollectionList, LensInfo, NewCollection

_ONE = "/v1/collections/{collection}"


async def listed(call: Call) -> Response:
    """The names of those that the caller reaches."""
    names = await call.service.threads.run(call.service.collections.names)
    return reply(CollectionList(collections=[n for n in names if call.caller.reaches(n)]))


async def made(call: Call) -> Response:
    """Make one."""
    name = check_name(call.params["collection"])
    wanted = _lenses(await call.body(NewCollection))
    await call.service.threads.run(call.service.collections.create, name, wanted)
    return await _described(call, 201)


async def described(call: Call) -> Response:
    """What is in one."""
    return await _described(call, 200)


async def dropped(call: Call) -> Response:
    """Remove one with all its items."""
    name = call.params["collection"]
    await call.collection()
    await call.service.threads.run(drop_collection, call.service.config.data, name)
    return Response(status_code=204)


async def _described(call: Call, status: int) -> Response:
    collection = await call.collection()
    info = await call.service.threads.run(_info, call.params["collection"], collection)
    return reply(info, status)


def _lenses(wanted: NewCollection) -> Lenses | None:
    if wanted.dim is None:
        return wanted.lenses
    if wanted.lenses is not None:
        raise InvalidBody("the body has both 'lenses' and 'dim'", remedy="give one of them")
    return {"vectors": f"vectors:{wanted.dim}:{wanted.distance}"}


def _info(name: str, collection: api.Collection) -> CollectionInfo:
    with collection.store.pin() as view:
        return CollectionInfo(
            name=name,
            items=view.count(),
            position=view.position,
            generation=view.generation,
            delta=delta_counts(view, 0.0).items,
            bytes=bytes_within(collection.path),
            lenses={lens: _lens(view, lens) for lens in view.lenses},
        )


def _lens(view: View, name: str) -> LensInfo:
    spec, facts = view.lenses[name].spec, view.table_facts(name)
    return LensInfo(
        embedder=spec.name,
        dimension=spec.dimension,
        distance=spec.distance,
        licence=spec.licence,
        index=index_status(view, name).to_json(),
        neighbors=None if facts is None else facts.to_json(),
    )


ROUTES = (
    Route("GET", "/v1/collections", listed, Role.READ, "List collections", CollectionList),
    Route(
        "PUT",
        _ONE,
        made,
        Role.ADMIN,
        "Make a collection",
        CollectionInfo,
        NewCollection,
        status=201,
        errors=(CollectionExists, UnknownEmbedder),
    ),
    Route(
        "GET",
        _ONE,
        described,
        Role.READ,
        "Describe a collection",
        CollectionInfo,
        errors=(CollectionNotFound,),
    ),
    Route(
        "DELETE",
        _ONE,
        dropped,
        Role.ADMIN,
        "Drop a collection",
        status=204,
        errors=(CollectionNotFound,),
    ),
)
