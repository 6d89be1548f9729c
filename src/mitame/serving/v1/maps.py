"""A collection as a map: where each item lies, near to those that look like it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import Response

from mitame.arguments import filter_in, lens_of
from mitame.errors import CollectionNotFound, InvalidFilter, Overloaded, UnknownLens, UsageError
from mitame.serving.callers.roles import Role
from mitame.serving.compressing import chosen
from mitame.serving.drawn_maps import Drawn, Wanted
from mitame.serving.pictures.preconditions import etag, is_current
from mitame.serving.pictures.uploads import BINARY
from mitame.serving.routes import JSON, Call, Route
from mitame.wire.maps import MapFields, MapReply

if TYPE_CHECKING:
    from mitame.api import Collection

_CACHING = "private, no-cache"
"""To be kept by who has asked, and asked for anew each time: most often the answer is 304."""


async def drawn(call: Call) -> Response:
    """Where the items lie."""
    fields, collection = call.query(MapFields), await call.collection()
    return await call.service.threads.run(_drawn, call, collection, fields)


def _drawn(call: Call, collection: Collection, fields: MapFields) -> Response:
    where = filter_in(fields.category, fields.filter)
    is_binary = BINARY in call.request.headers.get("accept", "").lower()
    seconds = call.service.config.limits.answer_seconds
    with collection.store.pin() as view:
        lens = lens_of(view.lenses, fields.lens)
        wanted = Wanted(collection, lens.name, where, fields.limit, is_binary)
        tag = wanted.tag(view)
        headers = {"ETag": etag(tag), "Cache-Control": _CACHING, "Vary": "Accept, Accept-Encoding"}
        if is_current(call.request, tag):
            return Response(status_code=304, headers=headers)
        found = call.service.maps.find(view, wanted, time.monotonic() + seconds * 0.8)
    return _answer(call, found, headers)


def _answer(call: Call, found: Drawn, headers: dict[str, str]) -> Response:
    if not found.complete:  # the next one may have more, at the same moment
        headers = {"Cache-Control": "no-store", "Vary": headers["Vary"]}
    media = BINARY if found.is_binary else JSON
    coding = chosen(call.request.scope)
    if coding is None:
        return Response(found.data, headers=headers, media_type=media)
    headers["Content-Encoding"] = coding.decode()
    return Response(found.packed(coding), headers=headers, media_type=media)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/v1/collections/{collection}/map",
        drawn,
        Role.READ,
        "Where all items lie on a plane",
        MapReply,
        query=MapFields,
        produces=(JSON, BINARY),
        headers=("If-None-Match",),
        others={304: None},
        errors=(CollectionNotFound, UnknownLens, InvalidFilter, UsageError, Overloaded),
        tag="queries",
    ),
)
