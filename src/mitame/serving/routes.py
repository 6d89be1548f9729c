"""A route as a value: from it come the router's entry, the check of its caller, and OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mitame.errors import InvalidBody, MitameError, RouteNotFound
from mitame.serving import bodies
from mitame.serving.callers.roles import NOBODY, Caller, Role

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.serving.service import Service
    from mitame.serving.stores import CollectionStores

T = TypeVar("T")
Handler: TypeAlias = Callable[["Call"], Awaitable[Response]]
Fails: TypeAlias = Callable[[Request, MitameError], Response]
JSON = "application/json"


@dataclass(frozen=True)
class Route:
    """What is served at an address with a method.

    Attributes:
        method: of HTTP.
        path: with places in braces; each matches one percent-encoded segment.
        handler: answers.
        role: that a caller needs.
        summary: one line for the document.
        answer: type of the body that is answered; None for none, bytes for other than JSON.
        body: type of the JSON body that is read; None for none.
        query: type of the query string's fields; None for none.
        status: of success.
        media: content types of the body that are read.
        errors: that a caller may see, besides those of every route.
        tag: the document's chapter.
        fails: makes an error's answer, where that is no problem+json.
        produces: content types of the answer.
        form: parts of a form that is read, by name: bytes for a file, list[bytes] for several, a
            type for its JSON.
        needs_body: a request without a body is refused.
        headers: of the request that are read.
        others: statuses of answers that are neither success nor a problem, with their body's type.
    """

    method: str
    path: str
    handler: Handler
    role: Role
    summary: str
    answer: object = None
    body: object = None
    query: type[msgspec.Struct] | None = None
    status: int = 200
    media: tuple[str, ...] = (JSON,)
    errors: tuple[type[MitameError], ...] = ()
    tag: str = "collections"
    fails: Fails | None = None
    produces: tuple[str, ...] = (JSON,)
    form: Mapping[str, object] = field(default_factory=dict)
    needs_body: bool = True
    headers: tuple[str, ...] = ()
    others: Mapping[int, object] = field(default_factory=dict)


@dataclass
class Call:
    """One request, as a handler sees it.

    Attributes:
        request: of Starlette.
        service: what all requests share.
        route: that was found.
        caller: who asks; it may do what the route does.
        params: the path's places, decoded.
    """

    request: Request
    service: Service
    route: Route
    caller: Caller = NOBODY
    params: Mapping[str, str] = field(default_factory=dict)

    async def collection(self) -> Collection:
        """The open collection that the path names.

        Raises:
            CollectionNotFound: there is none.
        """
        return await self.service.collections.get(self.params["collection"])

    def stores(self, collection: Collection) -> CollectionStores:
        """What is kept beside the collection that the path names, which is this one."""
        return self.service.stores.of(self.params["collection"], collection)

    def query(self, kind: type[T]) -> T:
        """The query string's fields.

        Raises:
            InvalidBody: one that is unknown, given twice or wrong.
        """
        fields: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name in fields:
                raise InvalidBody(f"the query string has {name!r} twice", remedy="give it once")
            if value.lower() == "null" and not _is_text(kind, name):
                raise InvalidBody(f"the query string: {name} is null", remedy="leave it out")
            fields[name] = value
        return bodies.converted(fields, kind, "the query string", strict=False)

    async def body(self, kind: type[T], *, max_bytes: int | None = None) -> T:
        """The JSON body.

        Raises:
            UnsupportedMedia, BodyTooLarge, SlowRequest, MalformedBody, InvalidBody: it can't be.
        """
        bodies.check_media(self.request, JSON)
        data = await self.raw(max_bytes=max_bytes)
        return bodies.decoded(data, kind)

    async def raw(self, *, max_bytes: int | None = None) -> bytes:
        """The body's bytes, within the limits.

        Raises:
            BodyTooLarge, SlowRequest: it is more than the limit, or does not come.
        """
        limits = self.service.config.limits
        most = int(limits.body_mb * 1_000_000) if max_bytes is None else max_bytes
        return await bodies.read(self.request, most, limits.read_seconds)


def _is_text(kind: type, name: str) -> bool:
    """Whether a field takes any text, and so may be the word null."""
    fields = {each.encode_name: each.type for each in msgspec.structs.fields(kind)}
    return fields.get(name, str) in (str, str | None)


def decoded_params(raw: Mapping[str, str]) -> dict[str, str]:
    """The places of a percent-encoded path.

    Raises:
        RouteNotFound: one is no UTF-8.
    """
    try:
        return {name: unquote_to_bytes(value).decode() for name, value in raw.items()}
    except UnicodeDecodeError:
        raise RouteNotFound("the path is not UTF-8 once its percent signs are decoded") from None
