"""The ASGI application: from the outside in, what each request passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mitame.config import ServeConfig
from mitame.errors import MitameError
from mitame.serving.callers.gate import Gate
from mitame.serving.callers.watching import Refusal
from mitame.serving.compressing import Compressing
from mitame.serving.dispatch import Dispatch
from mitame.serving.pictures.idempotency import REPLAYED
from mitame.serving.processes.switching import quick_switching, seldom_collecting
from mitame.serving.product.front import Front
from mitame.serving.routes import Route
from mitame.serving.seeing.observing import Observing
from mitame.serving.seeing.tracing import TracedRequests
from mitame.serving.service import Service
from mitame.serving.table import routes_of
from mitame.serving.v1.embed import DIMENSION
from mitame.serving.v1.feedback import NEXT

EXPOSED = (
    *("Allow", "ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"),
    *(REPLAYED, DIMENSION, NEXT),
)
"""Headers of answers that scripts of other origins may read, besides those that all may."""

Layer: TypeAlias = Callable[[ASGIApp, Service], ASGIApp]


class Application:
    """What a worker serves.

    Args:
        config: how it is set up. The service is opened at startup, in the worker's process.
        front: answers before the router what it can; another one is for measuring.
    """

    def __init__(self, config: ServeConfig, front: Layer = Front) -> None:
        self._config = config
        self._front = front
        self._service: Service | None = None
        self._inner: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One event of ASGI: the lifespan, or a request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and self._inner is not None:
            await self._inner(scope, receive, send)

    def reopen_logs(self) -> None:
        """Open the access log anew, after it was renamed; for a signal's handler."""
        if self._service is not None:
            self._service.log.reopen()

    def refused(self, refusal: Refusal) -> None:
        """Count and log a request that its connection has refused."""
        if self._service is not None:
            self._service.observer.refused(refusal)

    def drain(self) -> None:
        """Say from now on that it can't answer, while it still does; for a signal's handler."""
        if self._service is not None:
            self._service.readiness.stopping = True

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._service = Service(self._config)
        except MitameError as error:
            await send({"type": "lifespan.startup.failed", "message": error.line()})
            return
        self._inner = layers(self._service, routes_of(self._config), self._front)
        with quick_switching(), seldom_collecting():
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._service.close()
        await send({"type": "lifespan.shutdown.complete"})


def layers(service: Service, routes: Sequence[Route], front: Layer = Front) -> ASGIApp:
    """Outermost last: Observing sees every request, Gate refuses, Dispatch answers.

    The front answers before the gate what takes so little that there is nothing to be shed; it
    admits callers as the gate does.
    """
    inner: ASGIApp = Compressing(Dispatch(service, routes), service.threads)
    inner = front(Gate(inner, service), service)
    if service.config.cors:
        inner = CORSMiddleware(
            inner,
            allow_origins=list(service.config.cors),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    if service.tracing is not None:
        inner = TracedRequests(inner, service.tracing)
    return Observing(inner, service)
