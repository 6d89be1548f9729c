"""What is seen of every request: its id, its time, its line in the log."""

from __future__ import annotations

import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame.serving.service import Service

REQUEST_ID = "mitame.request_id"
"""Where in a scope the request's id is."""


class Observing:
    """Gives each request an id.

    Args:
        inner: what is asked next.
        service: what all requests share.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the answer's start."""
        request_id = secrets.token_hex(8)
        scope[REQUEST_ID] = request_id

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        await self._inner(scope, receive, seen)
