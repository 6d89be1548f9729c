"""The quick way: questions that take microseconds are answered before the router.

Those of a product page, by what is kept or by the neighbour table; and those by a vector alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mitame.collection import check_id
from mitame.errors import InvalidId, MitameError
from mitame.serving.callers.roles import Role
from mitame.serving.product.answers import Key
from mitame.serving.product.gathering import Gathering
from mitame.serving.product.kept import Kept
from mitame.serving.product.similar_body import CACHE_CONTROL, is_named
from mitame.serving.product.similar_question import Question
from mitame.serving.product.vector_question import collection_asked, read_question
from mitame.serving.replies import problem
from mitame.serving.seeing.observing import REQUEST_ID
from mitame.serving.service import Service
from mitame.serving.v1.querying import PATH as QUERY
from mitame.serving.v1.similar import PATH

_ADDRESS = re.compile(rb"/v1/collections/([A-Za-z0-9._-]{1,100})/items/([^/]{1,9000})/similar")
_LIMIT = re.compile(rb"(?:limit=([1-9][0-9]?))?")
_JSON = (b"content-type", b"application/json")
_CONTROL = (b"cache-control", CACHE_CONTROL)


class Front:
    """Answers what it can at once, and passes on the rest.

    The caller is admitted as for every other request.

    Args:
        inner: what is asked next.
        service: what all requests share.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner = inner
        self._admission = service.admission
        self._answers = service.answers
        self._gathering = Gathering(service.answers)
        self._ids = service.query_ids
        self._collections = service.collections
        self._remembering = service.remembering
        self._dimension = service.config.limits.dimension

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        path: bytes = scope.get("raw_path", b"")
        if scope["method"] == "POST" and path.endswith(b"/query"):
            await self._by_vector(scope, receive, send)
            return
        if scope["method"] != "GET" or not path.endswith(b"/similar"):
            await self._inner(scope, receive, send)
            return
        try:
            kept = self._answer((path, scope["query_string"]), scope)
        except MitameError as error:
            await problem(error, scope.get(REQUEST_ID))(scope, receive, send)
            return
        if kept is None:
            await self._inner(scope, receive, send)
        else:
            scope["mitame.route"] = PATH
            await self._send(kept, scope, send)

    def _answer(self, key: Key, scope: Scope) -> Kept | None:
        """What is kept, or can be found at once; None where the router is to answer.

        Raises:
            MitameError: the caller may not ask this.
        """
        held = self._answers.right(key)
        if held is not None:
            self._admission.admit(scope).check(Role.READ, held[1])
            return held[0]
        asked = plain_question(*key)
        if asked is None:
            return None
        self._admission.admit(scope).check(Role.READ, asked[0])
        return self._answers.at_once(*asked, key)

    async def _by_vector(self, scope: Scope, receive: Receive, send: Send) -> None:
        collection = collection_asked(scope)
        if collection is None or not self._answers.is_followed(collection):
            await self._inner(scope, receive, send)
            return
        try:
            self._admission.admit(scope).check(Role.READ, collection)
        except MitameError as error:
            await problem(error, scope.get(REQUEST_ID))(scope, receive, send)
            return
        first = await receive()
        body = None
        if first["type"] == "http.request" and not first.get("more_body", False):
            body = await self._near(collection, scope, first.get("body", b""))
        if body is None:
            await self._inner(scope, _again(first, receive), send)
        else:
            scope["mitame.route"] = QUERY
            await _answer(send, body)

    async def _near(self, collection: str, scope: Scope, body: bytes) -> bytes | None:
        """The answer's body; None where the router is to answer."""
        asked = read_question(scope, body)
        if asked is None or len(asked.vector) > self._dimension:
            return None
        found = await self._gathering.near(collection, asked)
        held = self._collections.known(collection)  # which learning has opened
        if found is None or held is None:
            return None
        query_id = self._ids.next()
        self._remembering.put(collection, held, query_id, found.remembered())
        return found.body(query_id)

    async def _send(self, kept: Kept, scope: Scope, send: Send) -> None:
        parts = kept.parts
        for name, value in scope["headers"]:
            if name == b"if-none-match" and is_named(parts.etag, value):
                await _unchanged(parts.etag, send)
                return
        body = parts.body(kept.named(self._ids.next()), 0.0, kept.position)
        await _answer(send, body, ((b"etag", parts.etag), _CONTROL))


def plain_question(path: bytes, query: bytes) -> tuple[str, Question] | None:
    """Collection and question of an address that has nothing but a limit.

    None for every other: the router tells what they mean, or what is wrong with them.
    """
    found = _ADDRESS.fullmatch(path)
    limit = _LIMIT.fullmatch(query)
    if found is None or limit is None:
        return None
    try:
        item_id = check_id(unquote_to_bytes(found[2]).decode())
    except (UnicodeDecodeError, InvalidId):
        return None
    return found[1].decode(), Question(item_id, int(limit[1] or b"10"))


def _again(first: Message, receive: Receive) -> Receive:
    """What receives a message that was received already, and then what follows."""
    read = False

    async def receiving() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return first

    return receiving


async def _answer(send: Send, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    start = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def _unchanged(etag: bytes, send: Send) -> None:
    headers = [(b"etag", etag), _CONTROL]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
