"""Who asks, and whether it may ask now: decided from the headers alone, in microseconds."""

from __future__ import annotations

from typing import cast

from starlette.types import Scope

from mitame.config import ServeConfig
from mitame.errors import TooManyRequests
from mitame.serving.callers.addresses import Proxies, household
from mitame.serving.callers.exposure import check_host, check_origin, is_loopback
from mitame.serving.callers.keys import Keys
from mitame.serving.callers.roles import ANYBODY, NOBODY, Caller
from mitame.serving.callers.shedding import Buckets, per_second

CALLER = "mitame.caller"
"""Where in a scope the caller is."""

ADDRESS = "mitame.address"
"""Where in a scope the client's address is, behind trusted proxies, too."""

HEALTH = frozenset({b"/healthz", b"/readyz", b"/metrics", b"/version"})
"""Paths that are answered without a key and however busy the rest is."""

_PAGE = b"/page/"
"""Files of the page begin so: many at once, the same for all, and kept by browsers. They take no
share of what a caller may ask; or a page would not load where that is little."""

_MOST_HOSTS = 100
_READ = frozenset({b"authorization", b"api-key", b"host", b"origin"})


class Admission:
    """Lets requests in.

    Args:
        config: of the service.
        keys: who may do what.

    Raises:
        UsageError: an address of a proxy can't be read.
    """

    def __init__(self, config: ServeConfig, keys: Keys) -> None:
        self._keys = keys
        self._cors = config.cors
        self._proxies = Proxies(config.proxies)
        self._local = is_loopback(config.host) and not config.allow_open
        self._hosts: set[bytes] = set()  # that were found to be this machine
        self._health = HEALTH | {b"/health"} if config.gannoy else HEALTH
        rate = config.limits.requests_per_second
        self._buckets: Buckets | None = per_second(rate) if rate else None

    def admit(self, scope: Scope) -> Caller:
        """Who asks; noted in the scope, too.

        Args:
            scope: of an HTTP request.

        Raises:
            NotAuthenticated, NotAllowed, TooManyRequests: it may not.
        """
        address = self._address(scope)
        scope[ADDRESS] = address
        if scope.get("raw_path") in self._health:
            caller = NOBODY
        else:
            found = {name: value for name, value in scope["headers"] if name in _READ}
            caller = self._caller(scope["method"], found, address)
            if self._buckets is not None and not scope.get("raw_path", b"").startswith(_PAGE):
                self._share(self._buckets, caller, address)
        scope[CALLER] = caller
        return caller

    def is_health(self, scope: Scope) -> bool:
        """Whether it asks for what is always answered."""
        return scope.get("raw_path") in self._health

    def _caller(self, method: str, found: dict[bytes, bytes], address: str) -> Caller:
        caller = self._keys.caller(sent_key(found), address)
        if caller is ANYBODY:
            self._check_page(method, found)
        return caller

    def _check_page(self, method: str, found: dict[bytes, bytes]) -> None:
        host = found.get(b"host", b"")
        if self._local and host not in self._hosts:
            check_host(host.decode("latin-1"))
            if len(self._hosts) < _MOST_HOSTS:
                self._hosts.add(host)
        if b"origin" in found:
            origin = found[b"origin"].decode("latin-1")
            check_origin(method, origin, host.decode("latin-1"), self._cors)

    def _share(self, buckets: Buckets, caller: Caller, address: str) -> None:
        keyless = caller is ANYBODY or caller is NOBODY
        seconds = buckets.take(("address", household(address)) if keyless else caller.name)
        if seconds:
            error = TooManyRequests("this caller asks more often than it may")
            error.seconds = seconds
            raise error

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        peer = cast("str", client[0]) if client else ""
        if not self._proxies.any:
            return peer
        forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._proxies.address(peer, forwarded)


def sent_key(found: dict[bytes, bytes]) -> bytes | None:
    """The key of ``Authorization: Bearer`` or ``api-key``; None where none was sent."""
    authorization = found.get(b"authorization")
    if authorization is not None:
        scheme, _, value = authorization.partition(b" ")
        key = value.strip()
        if key and scheme.lower() == b"bearer":
            return key
    return found.get(b"api-key", b"").strip() or None
