"""HTTP/1.1 of uvicorn and httptools, with bounds on what a client may send, and how slowly."""

from __future__ import annotations

import asyncio
import enum
import secrets
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mitame.config import LimitsConfig
from mitame.errors import (
    HeadersTooLarge,
    MalformedRequest,
    MitameError,
    Overloaded,
    PathTooLong,
    SlowRequest,
)
from mitame.serving.callers.raw_problem import raw_problem
from mitame.serving.callers.watching import KB, OnRefused, Refusal, Watch

_MOST_HEADERS = 100
_MOST_QUEUED = 64
"""Requests that a client may send ahead of their answers; the connection ends after those."""


class Phase(enum.Enum):
    """What a connection waits for."""

    HEAD = enum.auto()
    """The rest of a request's headers, or the first bytes at all."""
    BODY = enum.auto()
    """The rest of a request's body."""
    ANSWER = enum.auto()
    """The application."""
    IDLE = enum.auto()
    """The next request."""
    DEAF = enum.auto()
    """The client's end: what it still sends is thrown away."""


class _Refused(Exception):
    """Leads out of the parser's callbacks."""

    def __init__(self, error: MitameError) -> None:
        super().__init__(error.message)
        self.error = error


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    Bounds: bytes and number of headers, the path, the time until they are whole, the rate of a
    body and of reading an answer, requests sent ahead, bytes of bodies over all connections.
    """

    watch: Watch
    _phase: Phase
    _began: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        limits = self.watch.limits
        self._head_most = int(limits.header_kb * KB)
        self._keep_seconds = limits.keep_alive_seconds + 1  # uvicorn's own timer comes first
        self._begin(Phase.HEAD)
        self._serial = 0  # of the request that comes
        self._silent = True  # nothing has come at all
        self._head_bytes = self._unparsed = 0
        self._hosts = 0
        self._running: RequestResponseCycle | None = None
        self._body_bytes = self._held = 0
        self._unsent_since: float | None = None
        self._unsent = 0
        if not self.watch.add(self, self.loop):
            self._refuse(Overloaded("all connections are taken"))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._release()
        self.watch.remove(self)
        self.pipeline.clear()
        if self._running is not None:  # uvicorn tells the request that came last only
            _disconnect(self._running)
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        if self._phase is Phase.DEAF:
            return
        if self._phase is Phase.IDLE:
            self._begin(Phase.HEAD)
        before = (self._phase, self._serial)
        self._silent = False
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._stop_listening()  # nothing but HTTP/1.1 is spoken here
        except httptools.HttpParserError as error:
            self._refuse(_reason(error))
        else:
            if before == (Phase.HEAD, self._serial) and self._phase is Phase.HEAD:
                self._still_in_head(len(data))

    def _still_in_head(self, size: int) -> None:
        """One header that never ends reaches no callback, so its bytes are counted here."""
        self._unparsed += size
        if self._unparsed > self._head_most:
            self._refuse(self._too_large())

    # Callbacks of the parser. What they raise stops it, and comes out of feed_data.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._begin(Phase.HEAD)
        self._serial += 1
        self._head_bytes = self._unparsed = self._hosts = 0

    def on_url(self, url: bytes) -> None:
        """A part of its path and query."""
        super().on_url(url)
        if len(self.url) > self._head_most // 2:
            raise _Refused(PathTooLong(f"the path has more than {self._head_most // 2:,} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that comes after the body (a trailer) is counted and passed over."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._head_most or len(self.headers) >= _MOST_HEADERS:
            raise _Refused(self._too_large())
        if self._phase is Phase.HEAD:
            super().on_header(name, value)
            self._hosts += self.headers[-1][0] == b"host"

    def on_headers_complete(self) -> None:
        """The application can begin."""
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _Refused(MalformedRequest(f"HTTP/{version} is not spoken here"))
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            raise _Refused(MalformedRequest(f"the request has {self._hosts} Host headers"))
        if len(self.pipeline) >= _MOST_QUEUED:
            raise _Refused(Overloaded("too many requests were sent ahead"))
        super().on_headers_complete()
        self._begin(Phase.BODY)
        self._body_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self.cycle.response_complete:
            self._body_bytes += len(body)
            self._held += len(body)
            self.watch.held += len(body)
            if self.watch.full:
                raise _Refused(Overloaded("bodies of requests take all the memory that they may"))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        super().on_message_complete()
        self._begin(Phase.IDLE if self.cycle.response_complete else Phase.ANSWER)

    def on_response_complete(self) -> None:
        """An answer is written, or on its way."""
        self._release()
        more = bool(self.pipeline)
        super().on_response_complete()
        if more or not self.cycle.response_complete:
            return  # the next one is being answered
        if self._phase is Phase.DEAF:
            self.transport.close()
        elif self._phase is Phase.ANSWER:
            self._begin(Phase.IDLE)
        elif self._phase is Phase.BODY:
            self._leave_unread()

    def _leave_unread(self) -> None:
        """Nobody wants the rest of the body: it may come to its end, but only for so long."""
        self._begin(Phase.BODY)
        self._body_bytes = 0
        if self.expect_100_continue:
            self.transport.close()  # with or without the body: nobody knows what would come next

    def resume_writing(self) -> None:
        """The client has read on."""
        self._unsent_since = None
        super().resume_writing()

    # What the watch asks for.

    @property
    def idle_since(self) -> float | None:
        """When it began to wait for its client's headers; None where something is answered."""
        waits = self._phase in (Phase.HEAD, Phase.IDLE, Phase.DEAF)
        return self._began if waits and self._answered else None

    def look(self, now: float) -> None:
        """End it where the client is too slow."""
        if self._reads_too_slowly(now):
            self.transport.abort()
        elif self._sends_too_slowly(now):
            self._too_slow()

    def give_way(self) -> None:
        """End it: another one needs its place."""
        self.transport.abort()

    def _reads_too_slowly(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if not size:
            self._unsent_since = None
            return False
        if self._unsent_since is None:
            self._unsent_since, self._unsent = now, size
        return now - self._unsent_since > self.watch.seconds_for(self._unsent)

    def _sends_too_slowly(self, now: float) -> bool:
        if self._phase is Phase.ANSWER:
            return False
        if self._phase is Phase.IDLE:
            return now - self._began > self._keep_seconds
        if self._phase is Phase.BODY and self.flow.read_paused:
            self._began, self._body_bytes = now, 0  # it is we who are slow
        got = self._body_bytes if self._phase is Phase.BODY else 0
        return now - self._began > self.watch.seconds_for(got)

    def _too_slow(self) -> None:
        if self._phase is Phase.HEAD and not self._silent:
            self._refuse(SlowRequest("the headers did not come in time"))
        elif self._phase is Phase.BODY and not self._answered:
            self._refuse(SlowRequest("the body comes too slowly"))
        else:
            self.transport.abort()

    # How it ends.

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self._began = self.loop.time()

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self, error: MitameError) -> None:
        """Answer a problem in the application's place; earlier requests are answered first."""
        began, request_id, size = self._began, secrets.token_hex(8), 0
        broken = self._phase is Phase.BODY and not self._answered
        earlier = not broken and not self._answered
        if broken and self.pipeline:
            self.pipeline.popleft()
            earlier = True
        elif broken:
            _disconnect(self.cycle)
        self._stop_listening()
        if broken and not earlier and self.cycle.response_started:
            self.transport.abort()
        elif not earlier:
            size = self._last_words(error, request_id)
        address = str(self.client[0]) if self.client else ""
        seconds, is_known = self.loop.time() - began, broken and not earlier
        self.watch.on_refused(Refusal(error, request_id, size, seconds, address, is_known))

    def _last_words(self, error: MitameError, request_id: str) -> int:
        """Bytes of the body that is sent."""
        if self.transport.is_closing():
            return 0
        head, body = raw_problem(error, request_id)
        self.transport.write(head + body)
        # Closing while bytes come would reset the connection, and the answer would be lost.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        return len(body)

    def _stop_listening(self) -> None:
        self._unset_keepalive_if_required()
        self._begin(Phase.DEAF)
        if self._answered:
            self._release()
        else:
            self.cycle.keep_alive = False

    def _release(self) -> None:
        self.watch.held -= self._held
        self._held = 0

    def _too_large(self) -> HeadersTooLarge:
        return HeadersTooLarge(
            f"the headers are more than {_MOST_HEADERS} or have more than {self._head_most:,} bytes"
        )


def _reason(error: httptools.HttpParserError) -> MitameError:
    """What one of the parser's callbacks has raised, or what is wrong with the bytes."""
    raised = error.__context__
    if isinstance(raised, _Refused):
        return raised.error
    return MalformedRequest("this is no HTTP/1.1")


def _disconnect(cycle: RequestResponseCycle) -> None:
    """Let the application see that its client has gone; nothing is written for it any more."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()


def limited(limits: LimitsConfig, on_refused: OnRefused) -> type[LimitedProtocol]:
    """What uvicorn makes for each connection of a worker."""
    attributes: dict[str, Any] = {"watch": Watch(limits, on_refused)}
    return type("Limited", (LimitedProtocol,), attributes)
