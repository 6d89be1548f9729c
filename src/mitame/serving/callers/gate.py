"""What a request must pass before anything is done for it, and how long it may take."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame.errors import MitameError, Overloaded
from mitame.serving.callers.admission import CALLER
from mitame.serving.replies import problem
from mitame.serving.service import Service

__all__ = ["CALLER", "Gate"]


class Gate:
    """Refuses early, before a body is read; sheds load; ends what takes too long.

    Args:
        inner: what is asked next.
        service: what all requests share.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._admission = service.admission
        self._most = service.config.limits.in_flight
        self._seconds = service.config.limits.answer_seconds
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Requests that are being answered."""
        return self._under_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a problem, or pass on."""
        try:
            if CALLER not in scope:  # else the front has let it in
                self._admission.admit(scope)
            if self._admission.is_health(scope):
                await self._inner(scope, receive, send)
                return
            if self._under_way >= self._most:
                raise Overloaded(f"{self._most:,} requests are being answered already")
            self._under_way += 1
            try:
                await self._timed(scope, receive, send)
            finally:
                self._under_way -= 1
        except MitameError as error:
            await problem(error, scope.get("mitame.request_id"))(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with an end in time until the answer starts.

        Each part of a body begins the time anew: how slowly a body may come is the protocol's
        affair, and so is how slowly an answer may be read.
        """
        clock = asyncio.get_running_loop().time

        async def receiving() -> Message:
            message = await receive()
            if limit.when() is not None and not limit.expired():
                limit.reschedule(clock() + self._seconds)
            return message

        async def sending(message: Message) -> None:
            if limit.when() is not None and not limit.expired():
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._inner(scope, receiving, sending)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Overloaded(f"there was no answer within {self._seconds:g} seconds") from None
