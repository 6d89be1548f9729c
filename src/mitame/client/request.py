"""A request as a value: what is sent, whether it may be sent again, how its answer is read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from mitame.errors import InvalidVector, MitameError, UsageError
from mitame.filters import Filter

T = TypeVar("T")
JSON = "application/json"
BINARY = "application/octet-stream"
FormPart: TypeAlias = tuple[str, bytes, str]
"""Name, data and content type."""


@dataclass(frozen=True)
class Reply:
    """What came back, and is no error.

    Attributes:
        status: of HTTP.
        headers: by small names.
        body: its bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Request(Generic[T]):
    """A request.

    Attributes:
        method: of HTTP.
        path: percent-encoded.
        read: makes of a reply what the caller gets.
        query: fields of the query string; those that are None are left out.
        body: JSON or bytes.
        media: the body's content type.
        parts: of a form, instead of a body.
        headers: more of them.
        again: sent twice it does the same as once, so it may be sent again when nobody knows
            whether it has arrived.
        refusals: errors that are something else here: by code, what is raised instead; None where
            the answer is then None.
    """

    method: str
    path: str
    read: Callable[[Reply], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    media: str = JSON
    parts: Sequence[FormPart] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    again: bool = True
    refusals: Mapping[str, type[MitameError] | None] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """The query string's fields as text."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}


def once() -> dict[str, str]:
    """The header that makes a write happen once, however often it is sent."""
    return {"Idempotency-Key": secrets.token_urlsafe(18)}


def place(text: str) -> str:
    """Text as one segment of a path; also where it is dots, which a path would follow."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def collection_path(name: str, rest: str = "") -> str:
    """Where a collection's routes are."""
    return f"/v1/collections/{place(name)}{rest}"


def given(body: Mapping[str, Any]) -> bytes:
    """A JSON body without what is None."""
    return json({k: v for k, v in body.items() if v is not None})


def json(body: Any) -> bytes:
    """A JSON body.

    Raises:
        UsageError: it has something that JSON can't say.
    """
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"this can't be sent as JSON: {error}") from error


def reader(kind: type[T]) -> Callable[[Reply], T]:
    """Reads a JSON answer of a type."""
    return lambda reply: msgspec.json.decode(reply.body, type=kind)


def filter_json(where: str | Filter | None) -> Any:
    """A filter as bodies have it."""
    return where.to_json() if isinstance(where, Filter) else where


def numbers(vector: ArrayLike) -> list[float]:
    """A vector as bodies have it; its dimension is checked by the server.

    Raises:
        InvalidVector: not float[dim] or float[1, dim], or not finite.
    """
    try:
        with np.errstate(over="ignore"):
            found = np.asarray(vector, np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidVector(f"a vector has what is no number: {error}") from error
    if found.ndim not in (1, 2) or (found.ndim == 2 and len(found) != 1):
        raise InvalidVector(f"a vector has the shape {found.shape}", remedy="give float[dim]")
    if not np.isfinite(found).all():
        raise InvalidVector("a vector has NaN or infinity")
    values: list[float] = found.ravel().tolist()
    return values


def nothing(_: Reply) -> None:
    """There is no answer to read."""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
