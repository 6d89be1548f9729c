"""Whether it lives, whether it can answer, what it counts, which version it is."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from mitame import __version__
from mitame.serving.callers.roles import Role
from mitame.serving.replies import PROBLEM, reply
from mitame.serving.routes import Call, Route
from mitame.serving.seeing.exposition import CONTENT_TYPE
from mitame.serving.seeing.metrics_page import page
from mitame.serving.seeing.observing import REQUEST_ID
from mitame.wire.base import Problem
from mitame.wire.health import Health, Version


async def healthz(_: Call) -> Response:
    """The process lives."""
    return reply({"status": "ok"})


async def readyz(call: Call) -> Response:
    """It can answer."""
    problem = await call.service.watchers.run(call.service.readiness.problem)
    if problem is not None:
        return _not_ready(problem, call.request.scope.get(REQUEST_ID))
    return reply({"status": "ok"})


def _not_ready(why: str, request_id: str | None) -> Response:
    """Nothing that the caller could have done otherwise, so it is no `MitameError`."""
    title, remedy = "Service Unavailable", "ask again in a second"
    body = Problem(
        title=title,
        status=503,
        code="not_ready",
        detail=f"{why}: {remedy}",
        remedy=remedy,
        request_id=request_id,
    )
    data = msgspec.json.encode(body)
    return Response(data, 503, {"Retry-After": "1"}, media_type=PROBLEM)


async def metrics(call: Call) -> Response:
    """What all workers count, for Prometheus."""
    service = call.service
    found = await service.watchers.run(
        page, service.config, service.metrics.folder, service.state, service.jobs
    )
    return Response(found, media_type=None, headers={"Content-Type": CONTENT_TYPE})


async def version(_: Call) -> Response:
    """Which version this is."""
    return reply({"version": __version__})


ROUTES = (
    Route("GET", "/healthz", healthz, Role.OPEN, "The process lives", Health, tag="health"),
    Route(
        "GET",
        "/readyz",
        readyz,
        Role.OPEN,
        "It can answer",
        Health,
        tag="health",
        others={503: Health},
    ),
    Route(
        "GET",
        "/metrics",
        metrics,
        Role.OPEN,
        "Numbers for Prometheus",
        bytes,
        tag="health",
        produces=("text/plain",),
    ),
    Route("GET", "/version", version, Role.OPEN, "Which version this is", Version, tag="health"),
)
