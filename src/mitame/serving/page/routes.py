"""``/`` and ``/page/...``: the page's files, under a policy that lets in nothing else."""

from __future__ import annotations

from starlette.responses import Response

from mitame.errors import RouteNotFound
from mitame.serving.callers.roles import Role
from mitame.serving.compressing import chosen
from mitame.serving.page.files import START, File, packed, page
from mitame.serving.pictures.preconditions import etag, is_current
from mitame.serving.routes import Call, Route

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""For the header Content-Security-Policy: no script and no style but these files, no text as code,
no connection but to this server, no frame around it."""

_ALWAYS = {"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
_START = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_NOT_KEPT = {"Cache-Control": "no-store"}


async def start(call: Call) -> Response:
    """The page itself; it names the version of everything else."""
    return await answer(call, page().files[START], _START)


async def part(call: Call) -> Response:
    """One of its files.

    Another version's address is answered with this version's file, to be asked for again: while
    workers are being replaced, a page of the former one may still ask for a view.
    """
    places = call.params
    name = "/".join(places[key] for key in ("folder", "file") if key in places)
    file = page().files.get(name)
    if file is None or name == START:
        raise RouteNotFound(f"the page has no file {name[:100]!r}", remedy="reload the page")
    is_own = places["version"] == page().version
    return await answer(call, file, _FOR_EVER if is_own else _NOT_KEPT)


async def answer(call: Call, file: File, headers: dict[str, str]) -> Response:
    """A file with these headers and a tag of its own, packed where the caller takes that."""
    coding = chosen(call.request.scope)
    headers = _ALWAYS | headers | {"ETag": etag(file.tag(coding))}
    if is_current(call.request, file.tag(coding)):
        return Response(status_code=304, headers=headers)
    data = file.data
    if coding is not None:
        data = await call.service.watchers.run(packed, file, coding)
        headers["Content-Encoding"] = coding.decode()
    return Response(data, headers=headers | {"Content-Type": file.media})


def _route(path: str, summary: str, media: tuple[str, ...]) -> Route:
    return Route(
        "GET",
        path,
        start if path == "/" else part,
        Role.OPEN,
        summary,
        bytes,
        tag="page",
        produces=media,
        headers=("If-None-Match",),
        others={304: None},
        errors=() if path == "/" else (RouteNotFound,),
    )


_PARTS = ("text/javascript", "text/css", "image/svg+xml")
ROUTES: tuple[Route, ...] = (
    _route("/", "The page", ("text/html",)),
    _route("/page/{version}/{file}", "A file of the page", _PARTS),
    _route("/page/{version}/{folder}/{file}", "A file in a folder of the page", _PARTS),
)
