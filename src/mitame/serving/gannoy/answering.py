"""What gannoy answers: JSON in its form, nothing at all, and errors as ``{"message": ...}``."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mitame.errors import (
    CollectionNotFound,
    ItemExists,
    ItemNotFound,
    MethodNotAllowed,
    MitameError,
    RouteNotFound,
    UnsupportedMedia,
    UsageError,
)
from mitame.serving.replies import problem

CONTENT_TYPE = "application/json; charset=UTF-8"
_UNPROCESSABLE = (CollectionNotFound, ItemExists, ItemNotFound, UsageError)
_MESSAGES: dict[type[MitameError], str] = {
    RouteNotFound: "Not Found",
    MethodNotAllowed: "Method Not Allowed",
    UnsupportedMedia: "Unsupported Media Type",
}
_FROM_PROBLEM = ("www-authenticate", "retry-after")


def nothing(status: int) -> Response:
    """An answer without a body, and so without a content type."""
    return Response(status_code=status)


def json_answer(request: Request, body: Any, status: int = 200) -> Response:
    """A body as compact JSON; indented by two spaces where the query string has ``pretty``."""
    if any(name == "pretty" for name, _ in request.query_params.multi_items()):
        data = json.dumps(body, indent=2, ensure_ascii=False).encode()
    else:
        data = msgspec.json.encode(body)
    return Response(data, status, headers={"Content-Type": CONTENT_TYPE})


def refused(request: Request, error: MitameError) -> Response:
    """An error as gannoy's clients know it.

    What a database can't do is 422 without a body; all else has a message.
    """
    misnamed = isinstance(error, RouteNotFound) and bool(request.path_params)
    if misnamed or isinstance(error, _UNPROCESSABLE):
        return nothing(422)
    message = _MESSAGES.get(type(error)) or error.message
    answer = json_answer(request, {"message": message}, error.status)
    for name, value in problem(error).headers.items():
        if name in _FROM_PROBLEM:
            answer.headers[name] = value
    return answer
