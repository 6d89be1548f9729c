"""What all bodies have in common."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

Attributes: TypeAlias = dict[str, str | int | float | bool | list[str] | None]
Filter: TypeAlias = dict[str, Any]
"""As `mitame.filters.from_json` reads it."""
Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a caller sends: a field that is not known is refused."""


class Reply(msgspec.Struct, kw_only=True):
    """What the server answers: a client passes over fields that it doesn't know."""


class PageFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which page of what is listed by sequence numbers.

    Attributes:
        after: begin past this sequence number: that of the last one that was read.
        limit: at most so many.
    """

    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class Problem(Reply):
    """An error (RFC 9457).

    Attributes:
        type: always ``about:blank``: the code says which.
        title: the status in words.
        status: of HTTP.
        code: stable, for programs.
        detail: what is wrong, and what to do about it.
        remedy: the second half of the detail alone.
        request_id: as in the answer's header and the access log.
    """

    title: str
    status: int
    code: str
    detail: str
    remedy: str = ""
    type: str = "about:blank"
    request_id: str | None = None
