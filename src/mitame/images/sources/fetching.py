"""One picture over HTTP, from the public internet only, under limits of size and time."""

from __future__ import annotations

import ssl
from functools import cache
from urllib.parse import urljoin

import httpcore

from mitame.errors import FetchFailed, FetchRefused, ImageTooLarge
from mitame.images.sources.addresses import Resolver, Target, parse_url
from mitame.images.sources.connecting import CheckedBackend, Deadline, system_addresses

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = (
    (b"User-Agent", b"mitame"),
    (b"Accept", b"image/*,*/*;q=0.5"),
    (b"Accept-Encoding", b"identity"),  # a body that grows when unpacked is never asked for
    (b"Connection", b"close"),
)


class Client:
    """One fetch, from its first URL through redirects to the body.

    Args:
        url: where to start.
        allow_private: ask any address.
        seconds: for all of it.
        resolve: host and port to numeric addresses; the system's resolver when None.
    """

    def __init__(
        self, url: str, *, allow_private: bool, seconds: float, resolve: Resolver | None
    ) -> None:
        self._url = url
        self._deadline = Deadline(seconds)
        self._backend = CheckedBackend(
            self._deadline, allow_private=allow_private, resolve=resolve or system_addresses
        )

    def get(self, *, max_bytes: int, max_redirects: int) -> bytes:
        """The body; errors as `mitame.images.sources.url.fetch` says."""
        url = self._url
        for _ in range(max_redirects + 1):
            target = parse_url(url)
            try:
                answer = self._ask(target, max_bytes)
            except httpcore.TimeoutException as error:
                raise FetchFailed(f"{target.host} took too long") from error
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise FetchFailed(f"{target.host} broke off ({error})") from error
            if isinstance(answer, bytes):
                return answer
            url = _next_url(url, answer)
        raise FetchRefused(f"more than {max_redirects} redirects")

    def _ask(self, target: Target, max_bytes: int) -> bytes | str:
        """The body, or where the other side sends us."""
        url = httpcore.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        headers = [(b"Host", target.authority.encode()), *_HEADERS]
        left = self._deadline.remaining()
        timeouts = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), left)}
        pool = httpcore.ConnectionPool(
            ssl_context=_trust() if target.scheme == "https" else None,
            network_backend=self._backend,
        )
        with pool, pool.stream("GET", url, headers=headers, extensions=timeouts) as answer:
            if answer.status in _REDIRECTS:
                return _location(answer)
            if answer.status != _OK:
                raise FetchFailed(f"{target.host} answered with status {answer.status}")
            return _body(answer, max_bytes)


def _next_url(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise FetchRefused(f"the redirect to {place[:200]!r} is no valid URL") from error


@cache
def _trust() -> ssl.SSLContext:
    """Certificates that are trusted; reading them takes longer than a connection."""
    return httpcore.default_ssl_context()


def _header(answer: httpcore.Response, name: bytes) -> str | None:
    return next((v.decode("latin-1") for k, v in answer.headers if k.lower() == name), None)


def _location(answer: httpcore.Response) -> str:
    place = _header(answer, b"location")
    if not place:
        raise FetchFailed(f"status {answer.status} does not say where to go")
    return place


def _body(answer: httpcore.Response, max_bytes: int) -> bytes:
    encoding = _header(answer, b"content-encoding") or "identity"
    if encoding.lower() != "identity":
        raise FetchFailed(f"the body came packed as {encoding[:20]}, which was not asked for")
    announced = _header(answer, b"content-length") or "0"
    if announced.isdecimal() and int(announced) > max_bytes:
        raise ImageTooLarge(f"it has {int(announced):,} bytes, more than {max_bytes:,}")
    body = bytearray()
    for part in answer.iter_stream():
        body += part
        if len(body) > max_bytes:
            raise ImageTooLarge(f"it has more than {max_bytes:,} bytes")
    return bytes(body)
