"""Longer answers of text, smaller: gzip, or brotli where its library is installed.

What is short, or a picture, is left as it is: it would take more time than it saves. So is an
answer with a strong ETag, which promises its very bytes and is what If-Match compares.

Compression tells by its length whether a secret in an answer agrees with text that an attacker put
there (BREACH). Answers here hold no secrets: keys are sent by callers and never told.
"""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame.errors import Overloaded
from mitame.serving.work.running import Threads

Coder: TypeAlias = Callable[[bytes], bytes]

SHORTEST = 1_000
"""Bytes of an answer from which on it pays."""

_AT_ONCE = 32_768  # a longer one would keep the event loop from others for over a millisecond
_TEXT = (b"application/json", b"application/openapi+json", b"application/x-ndjson", b"text/")


@cache
def coders() -> Mapping[bytes, Coder]:
    """What can be done here, the best first."""
    found: dict[bytes, Coder] = {}
    try:
        brotli = importlib.import_module("brotli")
        found[b"br"] = lambda data: bytes(brotli.compress(data, quality=4))
    except ImportError:
        pass
    found[b"gzip"] = lambda data: gzip.compress(data, compresslevel=4, mtime=0)
    return found


class Compressing:
    """Compresses what the client takes compressed.

    Args:
        inner: what is asked next.
        threads: that compress what is long.
    """

    def __init__(self, inner: ASGIApp, threads: Threads) -> None:
        self._inner = inner
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the answer."""
        coding = chosen(scope)
        if coding is None:
            await self._inner(scope, receive, send)
            return
        waiting: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal waiting
            if message["type"] == "http.response.start" and _pays(message):
                waiting = message
                return
            start, waiting = waiting, None
            if start is not None:
                message = await self._compressed(start, message, coding)
                await send(start)
            await send(message)

        await self._inner(scope, receive, sending)

    async def _compressed(self, start: Message, message: Message, coding: bytes) -> Message:
        """The body smaller, and the start's headers changed to that; as it is where it is short.

        An answer that comes in parts is left, too.
        """
        body: bytes = message.get("body", b"")
        if message.get("more_body", False) or len(body) < SHORTEST:
            return message
        coder = coders()[coding]
        try:
            small = await self._threads.run(coder, body) if len(body) > _AT_ONCE else coder(body)
        except Overloaded:
            return message
        start["headers"] = [
            *(each for each in start["headers"] if each[0].lower() != b"content-length"),
            (b"content-length", b"%d" % len(small)),
            (b"content-encoding", coding),
            (b"vary", b"Accept-Encoding"),
        ]
        return {"type": "http.response.body", "body": small}


def chosen(scope: Scope) -> bytes | None:
    """The coding that the client takes and is done here; None for none."""
    value = next((v for name, v in scope["headers"] if name == b"accept-encoding"), b"")
    if not value or scope["method"] == "HEAD":
        return None
    taken = {}
    for part in value.lower().split(b",")[:20]:
        name, _, weight = part.replace(b" ", b"").partition(b";q=")
        taken[name] = weight.strip(b"0.") != b"" or not weight
    return next((each for each in coders() if taken.get(each, taken.get(b"*", False))), None)


def _pays(start: Message) -> bool:
    """Whether it is an answer of text whose very bytes nobody was promised."""
    if start["status"] != 200:
        return False
    headers = {name.lower(): value for name, value in start.get("headers", ())}
    return (
        headers.get(b"content-type", b"").startswith(_TEXT)
        and b"content-encoding" not in headers
        and headers.get(b"etag", b"W/").startswith(b"W/")
        and int(headers.get(b"content-length", SHORTEST)) >= SHORTEST
    )
