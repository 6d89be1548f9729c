"""Answers: a body of a type as JSON, and an error as problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from mitame.errors import (
    MitameError,
    NotAuthenticated,
    Overloaded,
    RequestInFlight,
    TooManyRequests,
)
from mitame.wire.base import Problem

PROBLEM = "application/problem+json"
_encode = msgspec.json.Encoder().encode


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A body as JSON."""
    return Response(_encode(body), status, headers, media_type="application/json")


def problem(error: MitameError, request_id: str | None = None) -> Response:
    """An error as a body, with the headers that its status asks for."""
    status = HTTPStatus(error.status)
    body = Problem(
        title=status.phrase,
        status=error.status,
        code=error.code,
        detail=error.line(),
        remedy=error.remedy,
        request_id=request_id,
    )
    headers: dict[str, str] = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="mitame"'
    if isinstance(error, TooManyRequests | Overloaded | RequestInFlight):
        headers["Retry-After"] = str(max(1, round(getattr(error, "seconds", 1))))
    return Response(_encode(body), error.status, headers, media_type=PROBLEM)
