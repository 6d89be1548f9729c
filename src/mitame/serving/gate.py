"""What a request must pass before anything is done for it: its key, its share, its size."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from mitame.errors import MitameError
from mitame.serving.replies import problem
from mitame.serving.service import Service

CALLER = "mitame.caller"
"""Where in a scope the caller is."""


class Gate:
    """Finds out who asks; refuses early.

    Args:
        inner: what is asked next.
        service: what all requests share.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a problem, or pass on."""
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else ""
        try:
            scope[CALLER] = self._service.keys.caller(key_of(connection), address)
        except MitameError as error:
            await problem(error, scope.get("mitame.request_id"))(scope, receive, send)
            return
        await self._inner(scope, receive, send)


def key_of(connection: HTTPConnection) -> str | None:
    """The key that was sent, by ``Authorization: Bearer`` or ``api-key``; None where none was."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return connection.headers.get("api-key")
