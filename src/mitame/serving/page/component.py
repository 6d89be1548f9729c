"""``/embed/mitame-similar.js``: what pages of other sites take in, at an address that stays."""

from __future__ import annotations

from starlette.responses import Response

from mitame.serving.callers.roles import Role
from mitame.serving.page.files import page
from mitame.serving.page.routes import answer
from mitame.serving.routes import Call, Route

NAME = "embed/mitame-similar.js"
_HEADERS = {
    # Modules of other origins are read by CORS; this one is the same for everybody and public.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=3600",
}


async def component(call: Call) -> Response:
    """The module. Its address has no version, as shops write it into their pages."""
    return await answer(call, page().files[NAME], _HEADERS)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        f"/{NAME}",
        component,
        Role.OPEN,
        "The component for pages of other sites",
        bytes,
        tag="page",
        produces=("text/javascript",),
        headers=("If-None-Match",),
        others={304: None},
    ),
)
