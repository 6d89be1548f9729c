"""Requests that are sent again: ``Idempotency-Key``, and the answer that was given the first time.

A request claims its key before anything is done for it, and its answer is kept before it is
sent. The claim is a lease that is renewed while the work goes on: where a worker is killed in
between, its lease runs out, and the next try does the work.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from mitame.config import MB
from mitame.errors import (
    CollectionBusy,
    KeyReused,
    MitameError,
    Overloaded,
    RequestInFlight,
    StorageError,
    TooManyRequests,
    UsageError,
)
from mitame.serving.bodies import media_type
from mitame.serving.pictures.forms import MULTIPART, parts_of
from mitame.serving.replies import problem
from mitame.serving.routes import Call, Handler
from mitame.serving.seeing.observing import REQUEST_ID
from mitame.serving.state import State

Answer: TypeAlias = Callable[[Call, bytes], Awaitable[Response]]
KEPT_SECONDS = 24 * 3600.0
LEASE_SECONDS = 20.0
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "etag", "location")
_PASSING = (TooManyRequests, Overloaded, CollectionBusy, StorageError)
"""Errors that are not kept: nothing was done, and the same request may work later."""


@dataclass(frozen=True)
class Claim:
    """A request's hold on its key.

    Attributes:
        caller: whose keys are meant.
        key: as it was sent.
        request: a hash of all that makes it this request.
        token: of this very try.
    """

    caller: str
    key: str
    request: bytes
    token: str = field(default_factory=lambda: secrets.token_hex(16))


class Answers:
    """The table of answers. Its methods block.

    Args:
        state: that has the table.
        clock: seconds since 1970.
    """

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def claim(self, claim: Claim) -> Response | None:
        """The answer that is kept; None where the work is this try's to do.

        Raises:
            KeyReused: the key came with another request.
            RequestInFlight: another try is at work.
        """
        now = self._clock()
        sql = "SELECT request, status, headers, body, at FROM answered WHERE caller = ? AND key = ?"
        with self._state.write() as connection:
            row = connection.execute(sql, (claim.caller, claim.key)).fetchone()
            if row is not None:
                request, status, headers, body, at = row
                if at > now - (LEASE_SECONDS if status is None else KEPT_SECONDS):
                    return _known(claim, request, status, headers, body)
            connection.execute(
                "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, NULL, ?, NULL, ?)",
                (claim.caller, claim.key, claim.request, claim.token, now),
            )
        return None

    def renew(self, claim: Claim) -> None:
        """Say that the work still goes on."""
        self._update(claim, "UPDATE answered SET at = ?", self._clock())

    def keep(self, claim: Claim, response: Response) -> None:
        """Keep the answer, unless another try has taken over meanwhile."""
        headers = {n: response.headers[n] for n in _KEPT_HEADERS if n in response.headers}
        self._update(
            claim,
            "UPDATE answered SET at = ?, status = ?, headers = ?, body = ?",
            *(self._clock(), response.status_code, json.dumps(headers), bytes(response.body)),
        )

    def release(self, claim: Claim) -> None:
        """Give the key back: nothing was done under it."""
        self._update(claim, "DELETE FROM answered")

    def _update(self, claim: Claim, sql: str, *values: object) -> None:
        where = " WHERE caller = ? AND key = ? AND status IS NULL AND headers = ?"
        with self._state.write() as connection:
            connection.execute(sql + where, (*values, claim.caller, claim.key, claim.token))


def once(answer: Answer, *, batch: bool = False) -> Handler:
    """A handler that answers a request with an ``Idempotency-Key`` once, and then again the same.

    Args:
        answer: does the work; given the body's bytes.
        batch: the body may be as long as a batch's.
    """

    async def handle(call: Call) -> Response:
        key = _key(call.request)
        limits = call.service.config.limits
        data = await call.raw(
            max_bytes=int((limits.batch_body_mb if batch else limits.body_mb) * MB)
        )
        return await (answer(call, data) if key is None else _answered(call, data, key, answer))

    return handle


async def _answered(call: Call, data: bytes, key: str, answer: Answer) -> Response:
    run, answers = call.service.threads.run, Answers(call.service.state)
    claim = Claim(call.caller.name, key, await run(request_hash, call.request, data))
    kept = await run(answers.claim, claim)
    if kept is not None:
        return kept
    renewing = asyncio.create_task(_renewed(call, answers, claim))
    try:
        response = await answer(call, data)
    except MitameError as error:
        if isinstance(error, _PASSING):
            await run(answers.release, claim)
        else:
            await run(answers.keep, claim, problem(error, call.request.scope.get(REQUEST_ID)))
        raise
    except BaseException:
        await run(answers.release, claim)
        raise
    finally:
        renewing.cancel()
    await run(answers.keep, claim, response)
    return response


async def _renewed(call: Call, answers: Answers, claim: Claim) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 4)
        with suppress(MitameError):  # the next one may work
            await call.service.threads.run(answers.renew, claim)


def request_hash(request: Request, data: bytes) -> bytes:
    """SHA-256 of what makes it the same request: method, path, conditions, and what the body says.

    A form counts by its parts: whoever sends it again draws another boundary.
    """
    query = request.scope.get("query_string", b"").decode("latin-1")
    told = [request.method, request.scope["path"], query, media_type(request)]
    told += [request.headers.get(name, "") for name in ("if-match", "if-none-match")]
    found = hashlib.sha256(json.dumps(told).encode())
    for part in _parts(request, data):
        found.update(hashlib.sha256(part).digest())
    return found.digest()


def _parts(request: Request, data: bytes) -> list[bytes]:
    if media_type(request) != MULTIPART:
        return [data]
    try:
        parts = parts_of(data, request.headers["content-type"])
    except MitameError:  # the handler will say what is wrong with it
        return [data]
    return [each for p in parts for each in (p.name.encode(), p.media.encode(), p.data)]


def _known(claim: Claim, request: bytes, status: int | None, headers: str, body: bytes) -> Response:
    if request != claim.request:
        raise KeyReused(f"the Idempotency-Key {claim.key[:40]!r} came with another request")
    if status is None:
        raise RequestInFlight("the first request with this Idempotency-Key is still worked on")
    response = Response(body, status, json.loads(headers))
    response.headers[REPLAYED] = "true"
    return response


def _key(request: Request) -> str | None:
    """The key that was sent.

    Raises:
        UsageError: it is empty, too long, or has odd characters.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise UsageError(
            "the Idempotency-Key can't be one", remedy="send 1 to 255 printable ASCII characters"
        )
    return values[0]
