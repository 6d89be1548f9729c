"""Whether it lives, whether it can answer, which version it is."""

from __future__ import annotations

from starlette.responses import Response

from mitame import __version__
from mitame.serving.replies import reply
from mitame.serving.roles import Role
from mitame.serving.routes import Call, Route


async def healthz(_: Call) -> Response:
    """The process lives."""
    return reply({"status": "ok"})


async def version(_: Call) -> Response:
    """Which version this is."""
    return reply({"version": __version__})


ROUTES = (
    Route("GET", "/healthz", healthz, Role.OPEN, "The process lives", tag="health"),
    Route("GET", "/version", version, Role.OPEN, "Which version this is", tag="health"),
)
