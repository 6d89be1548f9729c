"""The server under test, which also answers constants: ``/constant/SIZE``, ``/routed/SIZE``.

The former take the same way as product-page questions: the same protocol, request id, key check,
access log and metrics; only the body is always the same. The latter are a route like any other:
what a server answers a constant with that has no quick way.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
from pathlib import Path
from unittest.mock import patch

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mitame.config import ServeConfig
from mitame.serving import app
from mitame.serving.callers.protocol import limited
from mitame.serving.callers.roles import Role
from mitame.serving.processes.sockets import listening
from mitame.serving.product.front import Front
from mitame.serving.routes import Call, Route
from mitame.serving.service import Service
from mitame.serving.table import routes_of

_START = b"/constant/"


def constant(size: int) -> bytes:
    """JSON of so many bytes."""
    return b'{"constant":"%b"}' % (b"x" * max(0, size - 15))


async def routed(call: Call) -> Response:
    """As any other route answers."""
    return Response(constant(int(call.params["size"])), media_type="application/json")


_ROUTED = Route("GET", "/routed/{size}", routed, Role.READ, "A constant")


class WithConstants:
    """Answers constants, and leaves the rest to the front."""

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._front = Front(inner, service)
        self._admission = service.admission
        self._bodies: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path: bytes = scope["raw_path"]
        if not path.startswith(_START):
            await self._front(scope, receive, send)
            return
        scope["mitame.route"] = "/constant/{size}"
        self._admission.admit(scope).check(Role.READ, "shop")
        body = self._bodies.get(path)
        if body is None:
            size = int(path[len(_START) :])
            body = self._bodies[path] = constant(size)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'W/"0123456789abcdef01"'),
            (b"cache-control", b"private, no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Entry point; prints the port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--answers-mb", type=float, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        log = str(Path(scratch) / "access.log")
        config = ServeConfig(
            options.data,
            port=0,
            merge=False,
            answers_mb=options.answers_mb,
            access_log=log,
        )
        routes = [*routes_of(config), _ROUTED]
        with patch.object(app, "routes_of", lambda _: routes):
            serve(config, listening(config))


def serve(config: ServeConfig, listener: socket.socket) -> None:
    """As a worker of `mitame serve` does."""
    print(f"port {listener.getsockname()[1]}", flush=True)
    application = app.Application(config, WithConstants)
    settings = uvicorn.Config(
        application,
        http=limited(config.limits, application.refused),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
