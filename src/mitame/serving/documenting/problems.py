"""Which problems an operation may answer, by status."""

from __future__ import annotations

import inspect
from collections import defaultdict
from http import HTTPStatus

from mitame.errors import (
    BodyTooLarge,
    CollectionBusy,
    CollectionNotFound,
    CorruptCollection,
    HeadersTooLarge,
    InvalidBody,
    MalformedBody,
    MalformedRequest,
    MitameError,
    NewerFormat,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    PathTooLong,
    RouteNotFound,
    SlowRequest,
    StorageError,
    TooManyRequests,
    UnsupportedMedia,
    UsageError,
    with_heirs,
)
from mitame.serving.callers.roles import Role
from mitame.serving.documenting.schemas import Schema
from mitame.serving.replies import PROBLEM
from mitame.serving.routes import Route

_ALL = (MalformedRequest, HeadersTooLarge, PathTooLong, TooManyRequests)
_KEYED = (NotAuthenticated, NotAllowed, Overloaded, UsageError, StorageError)
_BODY = (BodyTooLarge, SlowRequest, MalformedBody, InvalidBody, UnsupportedMedia)
_COLLECTION = (CollectionNotFound, CorruptCollection, NewerFormat, CollectionBusy)
_WAITING = (429, 503)


def problems(route: Route) -> dict[int, list[type[MitameError]]]:
    """Classes of errors by status, each with what inherits from it where the route says so."""
    kinds: list[type[MitameError]] = [*_ALL]
    if route.role != Role.OPEN:
        kinds += _KEYED
    if route.body is not None:
        kinds += _BODY
    if route.query is not None:
        kinds.append(InvalidBody)
    if "{" in route.path:
        kinds.append(RouteNotFound)
    if "{collection}" in route.path:
        kinds += _COLLECTION
    for each in route.errors:
        kinds += with_heirs(each)
    found: defaultdict[int, list[type[MitameError]]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        found[kind.status].append(kind)
    return dict(sorted(found.items()))


def answer(status: int, kinds: list[type[MitameError]]) -> Schema:
    """The document's words for problems of a status."""
    lines = [f"- `{kind.code}`: {_summary(kind)}" for kind in kinds]
    described: Schema = {
        "description": "\n".join([HTTPStatus(status).phrase, "", *lines]),
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _WAITING:
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    if status == NotAuthenticated.status:
        described["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return described


def _summary(kind: type[MitameError]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
