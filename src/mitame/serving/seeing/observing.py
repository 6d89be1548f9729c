"""What is seen of every request: its id, its time, its numbers, its line in the log."""

from __future__ import annotations

import itertools
import re
import secrets
import sys
import time
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame.serving.callers.roles import NOBODY
from mitame.serving.callers.watching import Refusal
from mitame.serving.seeing.access_log import AccessLog, Line
from mitame.serving.seeing.counters import Requests
from mitame.serving.seeing.metrics import Metrics
from mitame.wire.base import Problem

if TYPE_CHECKING:
    from mitame.serving.service import Service

REQUEST_ID = "mitame.request_id"
"""Where in a scope the request's id is."""
ROUTE = "mitame.route"
"""Where in a scope the route's path is, once it is known."""

CLIENT_GONE = 499
"""What counts as the status of a request whose client went away before it was answered."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"
"""Every other method, and that of a request which came to nobody's knowledge."""
_SANE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_CALLER, _ADDRESS = "mitame.caller", "mitame.address"


class Observer:
    """Tells requests apart, counts them and logs them. For the event loop's thread.

    Args:
        metrics: that count.
        log: where lines go.
        instance: of this process, in ids of requests.
    """

    def __init__(self, metrics: Metrics, log: AccessLog, instance: str) -> None:
        self.under_way = 0
        self._metrics = metrics
        self._log = log
        self._prefix = instance + secrets.token_hex(2)
        self._numbers = itertools.count(1)
        self._seen: dict[tuple[str, str, int], Requests] = {}

    def request_id(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The id that a proxy has given, where it is a plain one; else a new one."""
        for name, value in headers:
            if name == b"x-request-id" and _SANE.fullmatch(value):
                return value.decode("ascii")
        return f"{self._prefix}{next(self._numbers):08x}"

    def done(self, scope: Scope, status: int, size: int, started: float) -> None:
        """A request has been answered.

        Args:
            scope: of the request, with what others have noted in it.
            status: of the answer; 0 where there was none.
            size: bytes of the answer's body.
            started: `time.perf_counter` at its headers.
        """
        seconds = time.perf_counter() - started
        method, route = scope["method"], scope.get(ROUTE, "")
        if method not in _METHODS:
            method = _OTHER
        if not status:
            status = CLIENT_GONE
        self._count(route, method, status).observe(seconds, size)
        log = self._log
        if log.is_on:
            caller, address = scope.get(_CALLER, NOBODY).name, scope.get(_ADDRESS, "")
            at, ms = log.stamp(time.time()), round(seconds * 1e3, 3)
            log.add(Line(at, scope[REQUEST_ID], method, route, status, ms, size, caller, address))

    def refused(self, refusal: Refusal) -> None:
        """A request was refused by its connection: nothing is known of it but that it came."""
        error = refusal.error
        self._metrics.counter("mitame_refused_total", code=error.code).add()
        if refusal.is_known:  # then `done` comes for it, too
            return
        self._count("", _OTHER, error.status).observe(refusal.seconds, refusal.size)
        log = self._log
        if log.is_on:
            at, ms = log.stamp(time.time()), round(refusal.seconds * 1e3, 3)
            who = (NOBODY.name, refusal.address)
            log.add(Line(at, refusal.request_id, _OTHER, "", error.status, ms, refusal.size, *who))

    def _count(self, route: str, method: str, status: int) -> Requests:
        found = self._seen.get((route, method, status))
        if found is None:
            found = self._metrics.requests(route or "none", method, status)
            self._seen[route, method, status] = found
        return found


class Observing:
    """The outermost layer: sees each request come and its answer go.

    Args:
        inner: what is asked next.
        service: what all requests share.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._observer = service.observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the answer."""
        started = time.perf_counter()
        observer = self._observer
        request_id = observer.request_id(scope["headers"])
        scope[REQUEST_ID] = request_id
        observer.under_way += 1
        status = size = 0

        async def seen(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                ]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._inner(scope, receive, seen)
        except Exception:
            _tell(request_id)
            if status:
                raise
            await _send_defect(seen, request_id)
        finally:
            observer.under_way -= 1
            observer.done(scope, status, size, started)


def _tell(request_id: str) -> None:
    """A defect's traceback, so that whoever is told the request's id can find it."""
    sys.stderr.write(f"request {request_id} met a defect:\n{traceback.format_exc()}")


async def _send_defect(send: Send, request_id: str) -> None:
    """The one answer that is not the caller's fault."""
    body = Problem(
        title="Internal Server Error",
        status=500,
        code="defect",
        detail="this is a defect of the server: please report it, with the request's id",
        request_id=request_id,
    )
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(body)})
