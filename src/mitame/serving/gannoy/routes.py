"""gannoy's routes: how it answered, status for status, for clients that were written for it."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from mitame.errors import (
    CollectionNotFound,
    ItemNotFound,
    MalformedBody,
    UnsupportedMedia,
    UsageError,
)
from mitame.serving.bodies import check_media
from mitame.serving.callers.roles import Role
from mitame.serving.dimensions import check_dimension
from mitame.serving.gannoy import features, writing
from mitame.serving.gannoy.answering import json_answer, nothing, refused
from mitame.serving.gannoy.databases import database, names
from mitame.serving.gannoy.nearest import nearest
from mitame.serving.gannoy.numbers import integer
from mitame.serving.routes import JSON, Call, Handler, Route
from mitame.serving.work.upkeep import AS_USUAL
from mitame.wire.gannoy import Features, FeaturesWithKey, Keys, Names, Search

_FEATURES = "/databases/{collection}/features"
_ONE = "/databases/{collection}/features/{key}"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LIMIT = 10
_NO_KEY = -1


async def health(_: Call) -> Response:
    """The process lives."""
    return nothing(200)


async def databases(call: Call) -> Response:
    """The names of the databases."""
    return json_answer(call.request, await names(call))


async def search(call: Call) -> Response:
    """The nearest keys to a key; 404 where there are none, for whatever reason."""
    key = integer(_field(call, "key") or _field(call, "id"))
    limit = integer(_field(call, "limit"))
    wanted = _LIMIT if limit is None else limit
    try:
        collection = await database(call, _field(call, "database") or "")
    except CollectionNotFound:
        return nothing(404)

    def found() -> list[int]:
        with collection.store.pin() as view:
            lens = next(iter(view.lenses))
            return nearest(view, lens, _NO_KEY if key is None else key, wanted)

    keys = await call.service.threads.run(found)
    return json_answer(call.request, keys) if keys else nothing(404)


async def put(call: Call) -> Response:
    """Add an item, or replace its vector."""
    collection = await database(call, call.params["collection"])
    key, data = _key(call), await _body(call)
    limits = call.service.config.limits

    def done() -> None:
        found = features.features(data)
        check_dimension(len(found), limits)
        writing.put(collection, key, found)

    await call.service.threads.run(done)
    return nothing(200)


async def create(call: Call) -> Response:
    """Add an item that is not there."""
    collection = await database(call, call.params["collection"])
    data, limits = await _body(call), call.service.config.limits

    def done() -> None:
        key, found = features.features_with_key(data)
        check_dimension(len(found), limits)
        writing.create(collection, key, found)

    await call.service.threads.run(done)
    return nothing(200)


async def remove(call: Call) -> Response:
    """Remove an item."""
    collection = await database(call, call.params["collection"])
    key = _key(call)
    try:
        await call.service.threads.run(writing.remove, collection, key)
    except ItemNotFound:
        return nothing(call.service.config.remove_unknown)
    return nothing(200)


async def save_all(call: Call) -> Response:
    """Merge all databases, in the background."""
    for name in await names(call):
        await _merge(call, name)
    return nothing(202)


async def save(call: Call) -> Response:
    """Merge a database, in the background."""
    name = call.params["collection"]
    await database(call, name)
    await _merge(call, name)
    return nothing(202)


async def _merge(call: Call, name: str) -> None:
    """As a job of its own, or the one that waits already."""
    await call.service.threads.run(
        call.service.jobs.add, "merge", name, AS_USUAL, "gannoy's savepoint"
    )


def _field(call: Call, name: str) -> str | None:
    """A field of the query string; the first one where it is there twice."""
    pairs = call.request.query_params.multi_items()
    return next((value for key, value in pairs if key == name), None)


def _key(call: Call) -> int:
    key = integer(call.params["key"])
    if key is None:
        raise UsageError("the key is no 64-bit integer")
    return key


async def _body(call: Call) -> bytes:
    """The body of a JSON request.

    Raises:
        MalformedBody: it is empty, whatever its type is said to be.
        UsageError: a form, which has no features.
        UnsupportedMedia: another content type, or none.
    """
    headers = call.request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        raise MalformedBody("Request body can't be empty")
    if check_media(call.request, JSON, *_FORMS) != JSON:
        raise UsageError("a form has no features")
    data = await call.raw()
    if not data:
        raise MalformedBody("Request body can't be empty")
    return data


def _route(method: str, path: str, handler: Handler, role: Role, summary: str) -> Route:
    return Route(method, path, handler, role, summary, tag="gannoy", fails=refused)


def _taking(route: Route, body: object) -> Route:
    return replace(route, body=body, errors=(MalformedBody, UnsupportedMedia))


ROUTES: tuple[Route, ...] = (
    _route("GET", "/health", health, Role.OPEN, "The process lives"),
    replace(
        _route("GET", "/databases", databases, Role.READ, "List databases"),
        answer=Names,
    ),
    replace(
        _route("GET", "/search", search, Role.READ, "The nearest keys to a key"),
        answer=Keys,
        query=Search,
    ),
    _taking(_route("POST", _FEATURES, create, Role.WRITE, "Add an item"), FeaturesWithKey),
    _taking(_route("PUT", _ONE, put, Role.WRITE, "Add or replace an item"), Features),
    _route("DELETE", _ONE, remove, Role.WRITE, "Remove an item"),
    replace(
        _route("PUT", "/savepoints", save_all, Role.WRITE, "Merge all databases"),
        status=202,
    ),
    replace(
        _route("PUT", "/savepoints/{collection}", save, Role.WRITE, "Merge a database"),
        status=202,
    ),
)
