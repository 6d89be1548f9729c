"""A problem as bytes of HTTP/1.1, for requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus

from mitame.errors import MitameError
from mitame.serving.replies import problem


def raw_problem(error: MitameError, request_id: str) -> tuple[bytes, bytes]:
    """Status line with headers, and body; it says that the connection ends after it."""
    response = problem(error, request_id)
    response.headers["X-Request-Id"] = request_id
    response.headers["Connection"] = "close"
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()
    headers = [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join((status, *headers, b"", b"")), bytes(response.body)
