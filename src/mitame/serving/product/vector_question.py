"""A question by one vector and nothing but a limit and a lens, as a request says it."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.types import Scope

from mitame import native
from mitame.serving.bodies import AT_ONCE
from mitame.wire.queries import QueryBody

_ADDRESS = re.compile(rb"/v1/collections/([A-Za-z0-9._-]{1,100})/query")
_LIMIT = re.compile(rb"(?:limit=([1-9][0-9]{0,2}))?")
_FLOATS, _JSON = b"application/octet-stream", b"application/json"
_BEFORE_NUMBERS = re.compile(
    rb'\s*\{\s*(?:"(?:limit|lens)"\s*:\s*(?:[0-9]{1,4}|"[^"\\]{0,100}")\s*,\s*)*"vector"\s*:\s*(?=\[)'
)
_decode = msgspec.json.Decoder(QueryBody).decode


@dataclass(frozen=True, slots=True)
class VectorQuestion:
    """What is asked.

    Attributes:
        vector: float32[n], of whatever numbers: see `are_usable`.
        limit: how many neighbours.
        lens: its name; the first one where None.
    """

    vector: NDArray[np.float32]
    limit: int
    lens: str | None


def collection_asked(scope: Scope) -> str | None:
    """The collection whose query route a request names; None for every other route."""
    found = _ADDRESS.fullmatch(scope["raw_path"])
    return None if found is None else found[1].decode()


def is_plain(body: QueryBody) -> bool:
    """Whether a question by a vector says nothing else but a limit and a lens.

    The vector is in the body, or came beside it.
    """
    vector, body.vector = body.vector, None  # whose numbers need no comparing
    try:
        return body == QueryBody(limit=body.limit, lens=body.lens)
    finally:
        body.vector = vector


def read_question(scope: Scope, body: bytes) -> VectorQuestion | None:
    """What a request asks, where that is plain.

    None for every other: the router tells what they mean, or what is wrong with them.

    Args:
        scope: of the request.
        body: the whole.
    """
    if len(body) > AT_ONCE:
        return None
    told = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    media = told.partition(b";")[0].strip().lower()
    query = scope["query_string"]
    try:
        if media == _FLOATS:
            return _of_floats(query, body)
        if media == _JSON and not query and b'"vector"' in body:
            return _of_json(body)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
        return None
    return None


def _of_floats(query: bytes, body: bytes) -> VectorQuestion | None:
    limit = _LIMIT.fullmatch(query)
    if limit is None or not body or len(body) % 4:
        return None
    return VectorQuestion(np.frombuffer(body, "<f4"), int(limit[1] or b"10"), None)


def _of_json(body: bytes) -> VectorQuestion | None:
    asked, numbers = _numbers_apart(body)
    vector = asked.vector
    if not is_plain(asked):
        return None
    if numbers is not None:
        return None if vector is not None else VectorQuestion(numbers, asked.limit, asked.lens)
    if vector is None:
        return None
    if isinstance(vector, str):
        data = b64decode(vector, validate=True)
        return VectorQuestion(np.frombuffer(data, "<f4"), asked.limit, asked.lens)
    with np.errstate(over="ignore"):
        return VectorQuestion(np.array(vector, np.float32), asked.limit, asked.lens)


def _numbers_apart(body: bytes) -> tuple[QueryBody, NDArray[np.float32] | None]:
    """A body without its vector's numbers, and those, where the kernel could read them.

    As Python's numbers they take as long as the search.
    """
    head = _BEFORE_NUMBERS.match(body)
    is_once = body.count(b'"vector"') == 1 and b"\\" not in body  # however the key is written
    module = native.module()
    if head is None or module is None or not is_once:
        return _decode(body), None
    found = module.read_numbers(body, head.end())
    if found is None:
        return _decode(body), None
    floats, end = found
    rest = _decode(b"%bnull%b" % (body[: head.end()], body[end:]))
    return rest, np.frombuffer(floats, np.float32)


def are_usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of float32[n, dimension] can be searched with, bool[n].

    The others are not finite, all zero or near float32's end: the library has the words for those.
    """
    # A sum of squares is finite and positive exactly where no number is odd and one is not small.
    with np.errstate(all="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors)
    usable: NDArray[np.bool_] = (squares > 0.0) & (squares < np.inf)
    return usable
