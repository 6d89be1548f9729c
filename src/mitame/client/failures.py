"""Problems of the service as the errors that a local collection raises."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mitame.client.request import Reply
from mitame.errors import MitameError, RequestError, ServiceError, with_heirs
from mitame.wire.base import Problem


def failure(reply: Reply) -> MitameError:
    """The error that an answer stands for."""
    try:
        found = msgspec.json.decode(reply.body, type=Problem)
    except msgspec.MsgspecError:
        said = " ".join(reply.body[:200].decode(errors="replace").split())
        return ServiceError(f"the service answers {reply.status} {said!r}")
    return failure_of(found.code, found.detail, found.remedy, found.request_id, reply.headers)


def failure_of(
    code: str,
    detail: str,
    remedy: str = "",
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> MitameError:
    """The error of a code; a `RequestError` where this version does not know it."""
    message = detail.removesuffix(f": {remedy}") if remedy else detail
    kind = _BY_CODE.get(code)
    if kind is None:
        error: MitameError = RequestError(f"{message} ({code})", remedy=remedy)
    else:
        error = kind(message, remedy=remedy)
    if hasattr(error, "seconds") and (seconds := wait_of(headers or {})) is not None:
        error.seconds = seconds
    if request_id:
        error.add_note(f"request {request_id}")
    return error


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for; None where it doesn't, or with a date."""
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


_BY_CODE = {kind.code: kind for kind in reversed(list(with_heirs(MitameError)))}
