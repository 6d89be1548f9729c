"""The ASGI application: from the outside in, what each request passes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from mitame.config import ServeConfig
from mitame.serving.dispatch import Dispatch
from mitame.serving.gate import Gate
from mitame.serving.observing import Observing
from mitame.serving.routes import Route
from mitame.serving.service import Service
from mitame.serving.table import routes_of


class Application:
    """What a worker serves.

    Args:
        config: how it is set up. The service is opened at startup, in the worker's process.
    """

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        self._service: Service | None = None
        self._inner: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One event of ASGI: the lifespan, or a request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and self._inner is not None:
            await self._inner(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._service = Service(self._config)
        self._inner = layers(self._service, routes_of(self._config))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._service.close()
        await send({"type": "lifespan.shutdown.complete"})


def layers(service: Service, routes: Sequence[Route]) -> ASGIApp:
    """Outermost last: Observing sees every request, Gate refuses, Dispatch answers."""
    inner: ASGIApp = Dispatch(service, routes)
    inner = Gate(inner, service)
    if service.config.cors:
        inner = CORSMiddleware(
            inner,
            allow_origins=list(service.config.cors),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Retry-After", "X-Request-Id"],
        )
    return Observing(inner, service)
