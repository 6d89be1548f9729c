"""``/openapi.json`` and ``/docs``: what is served, for programs and for people."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec
from starlette.responses import Response

from mitame.serving.callers.roles import Role
from mitame.serving.documenting.document import document
from mitame.serving.documenting.html import POLICY, html
from mitame.serving.pictures.preconditions import etag, is_current
from mitame.serving.routes import JSON, Call, Handler, Route

_CACHING = "public, max-age=300"
_HTML = "text/html"


def routes(served: Sequence[Route]) -> tuple[Route, ...]:
    """``/openapi.json`` and ``/docs`` about what is served, themselves included."""
    told = _Told(served)
    own = (
        _route("/openapi.json", told.answer_document, "The OpenAPI document", JSON),
        _route("/docs", told.answer_page, "The same as a page to read", _HTML),
    )
    told.routes = (*served, *own)
    return own


def _route(path: str, handler: Handler, summary: str, media: str) -> Route:
    return Route(
        "GET",
        path,
        handler,
        Role.OPEN,
        summary,
        bytes,
        tag="document",
        produces=(media,),
        headers=("If-None-Match",),
        others={304: None},
    )


class _Told:
    """Both answers, made when somebody first asks and kept."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)

    @cached_property
    def document(self) -> bytes:
        return msgspec.json.encode(document(self.routes))

    @cached_property
    def page(self) -> bytes:
        return html(msgspec.json.decode(self.document)).encode()

    async def answer_document(self, call: Call) -> Response:
        """The OpenAPI document."""
        data = await call.service.watchers.run(lambda: self.document)
        return _kept(call, data, {}, JSON)

    async def answer_page(self, call: Call) -> Response:
        """The page."""
        data = await call.service.watchers.run(lambda: self.page)
        return _kept(call, data, {"Content-Security-Policy": POLICY}, _HTML)


def _kept(call: Call, data: bytes, headers: dict[str, str], media: str) -> Response:
    tag = hashlib.sha256(data).hexdigest()[:32]
    # Weak: it may be sent compressed, so its very bytes are not promised.
    headers = headers | {"ETag": f"W/{etag(tag)}", "Cache-Control": _CACHING}
    headers["X-Content-Type-Options"] = "nosniff"
    if is_current(call.request, tag):
        return Response(status_code=304, headers=headers)
    return Response(data, 200, headers, media_type=media)
