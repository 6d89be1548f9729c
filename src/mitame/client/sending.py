"""What both clients do alike between a request and its answer, but the waiting."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
import msgspec

from mitame import __version__
from mitame.client.failures import failure
from mitame.client.request import Reply, Request
from mitame.client.retrying import Retrying
from mitame.errors import MitameError, ServiceError, UsageError

T = TypeVar("T")
_CONNECT_SECONDS = 5.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def connection(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    """The arguments of either client of httpx.

    Raises:
        UsageError: the address can't be one.
    """
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        raise UsageError(f"{str(url)[:80]!r} is no http(s) address", remedy="give one")
    headers = {"User-Agent": f"mitame/{__version__}"}
    if key is not None:
        if not key.isascii() or not key.isprintable() or not key:
            raise UsageError("the key can't be one", remedy="give it as it was made")
        headers["Authorization"] = f"Bearer {key}"
    try:
        base_url = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"{url[:80]!r} is no address: {error}") from error
    limit = httpx.Timeout(timeout, connect=min(_CONNECT_SECONDS, timeout))
    return {"base_url": base_url, "headers": headers, "timeout": limit}


class Sending:
    """Makes requests, decides about sending again, reads answers.

    Args:
        retrying: how often, and how long between.
    """

    def __init__(self, retrying: Retrying) -> None:
        self._retrying = retrying

    def made(self, http: httpx.Client | httpx.AsyncClient, request: Request[Any]) -> httpx.Request:
        """The request as httpx sends it; it may be sent several times."""
        headers = dict(request.headers)
        files = [(name, (name, data, media)) for name, data, media in request.parts]
        if request.body is not None:
            headers["Content-Type"] = request.media
        return http.build_request(
            request.method,
            request.path,
            params=request.fields or None,
            content=request.body,
            files=files or None,
            headers=headers,
        )

    def pause(
        self,
        request: Request[Any],
        tried: int,
        response: httpx.Response | None,
        error: httpx.HTTPError | None,
    ) -> float | None:
        """Seconds until it is sent again; None where it is not."""
        if response is not None:
            return self._retrying.pause(tried, _reply(response))
        if request.again or isinstance(error, _NOT_SENT):
            return self._retrying.pause(tried, None)
        return None

    def read(
        self,
        request: Request[T],
        response: httpx.Response | None,
        error: httpx.HTTPError | None,
    ) -> T:
        """What the caller gets.

        Raises:
            MitameError: what is wrong.
        """
        if response is None:
            text = str(error) or type(error).__name__
            raise ServiceError(f"no answer to {request.method} {request.path}: {text}") from error
        reply = _reply(response)
        if reply.status >= 400:
            return _refused(request, failure(reply))
        try:
            return request.read(reply)
        except (msgspec.MsgspecError, ValueError) as wrong:
            raise ServiceError(
                f"the answer to {request.method} {request.path} can't be read: {wrong}"
            ) from wrong


def _refused(request: Request[T], error: MitameError) -> T:
    kind = request.refusals.get(error.code, type(error))
    if kind is None:
        return None  # type: ignore[return-value]  # its T has None
    if kind is type(error):
        raise error
    raise kind(error.message) from error


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.headers, response.content)
