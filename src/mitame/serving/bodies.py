"""Bodies of requests: read within limits, decoded to types, refused with what is wrong."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from mitame.errors import (
    BodyTooLarge,
    InvalidBody,
    MalformedBody,
    SlowRequest,
    UnsupportedMedia,
)

T = TypeVar("T")
AT_ONCE = 65_536
"""Bytes of a body that is read in less time than it takes to hand it to a thread, and back."""


def media_type(request: Request) -> str:
    """The content type without its parameters, in small letters; empty where there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_media(request: Request, *allowed: str) -> str:
    """The content type.

    Raises:
        UnsupportedMedia: it is none of those allowed.
    """
    found = media_type(request)
    if found in allowed:
        return found
    raise UnsupportedMedia(
        f"the content type is {found[:80]!r}" if found else "there is no content type",
        remedy=f"send {' or '.join(allowed)}",
    )


async def read(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The whole body.

    Args:
        request: whose.
        max_bytes: at most so many.
        seconds: that may pass between two parts.

    Raises:
        BodyTooLarge: more bytes; said before they are read, where their number is told.
        SlowRequest: nothing came for so long, or the client has gone.
    """
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > max_bytes:
        raise _too_large(max_bytes)
    parts: list[bytes] = []
    size = 0
    clock = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(seconds) as limit:
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
                limit.reschedule(clock() + seconds)
    except TimeoutError:
        raise SlowRequest(f"nothing of the body came for {seconds:g} seconds") from None
    except ClientDisconnect:
        raise SlowRequest("the client went away before its body was whole") from None
    return b"".join(parts)


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {max_bytes / 1_000_000:g} MB")


def decoded(data: bytes, kind: type[T]) -> T:
    """A JSON body as a type.

    Raises:
        MalformedBody: no JSON.
        InvalidBody: fields that are unknown, missing or of another type, by name.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidBody(f"the body: {_plain(error)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"the body is no JSON: {_plain(error)}") from None


def converted(value: Any, kind: type[T], what: str, *, strict: bool = True) -> T:
    """Decoded JSON, or fields of text where not strict, as a type.

    Raises:
        InvalidBody: as `decoded`.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidBody(f"{what}: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    return str(error)[:300].replace("`", "'")
