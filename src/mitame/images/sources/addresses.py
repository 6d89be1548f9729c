"""Which URLs and which addresses of the network may be asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from mitame.errors import FetchRefused

Resolver: TypeAlias = Callable[[str, int], list[str]]

_LONGEST_URL = 8_000
_PORTS = {"http": 80, "https": 443}
# a last label like 1, 0x7f or 017 makes a host an IPv4 address to some resolvers (WHATWG URL, 3.5)
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0[xX][0-9a-fA-F]*)\.?$")
_SAFE_IN_TARGET = "/?&=%:@!$'()*+,;~-._[]|"

# global unicast by the registries, but no public web server is there: relay prefixes, translation
# and the address at which a cloud's machines find their host
_CLOSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "168.63.129.16/32",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/3",
        ),
    )
)
_CLOSED_V6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """A URL taken apart: what to connect to and what to ask for there.

    Attributes:
        scheme: ``http`` or ``https``.
        host: in lower case, IDNA-encoded; an IPv6 address without brackets.
        port: 1 to 65,535.
        path: path and query, percent-encoded ASCII.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str) -> Target:
    """Take a URL apart, if it is one that may be asked for at all.

    Raises:
        FetchRefused: not http(s), a user name or password in it, no host, a host that is a number
            in disguise, spaces or control characters, or too long.
    """
    if len(url) > _LONGEST_URL:
        raise FetchRefused(f"the URL has {len(url):,} characters")
    if any(ord(character) <= 32 or 127 <= ord(character) < 160 for character in url):
        raise FetchRefused(f"{url[:200]!r} has spaces or control characters in it")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path = quote(target, safe=_SAFE_IN_TARGET)
    except ValueError as error:  # UnicodeError is one too
        raise FetchRefused(f"{url[:200]!r} is no valid URL ({error})") from error
    if parts.scheme not in _PORTS:
        raise FetchRefused(f"{url[:200]!r} is not an http(s) URL")
    if "@" in parts.netloc:
        raise FetchRefused("the URL has a user name or password in it")
    if not host or port == 0:
        raise FetchRefused(f"{url[:200]!r} names no host")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def _host(host: str, *, bracketed: bool) -> str:
    if ":" in host or bracketed:
        return str(ipaddress.IPv6Address(host)) if "%" not in host else ""
    plain = (host if host.isascii() else host.encode("idna").decode("ascii")).lower()
    if _NUMERIC.match(plain):
        return str(ipaddress.IPv4Address(plain))
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?", plain) and plain:
        raise ValueError(f"{plain!r} is no host name")
    return plain


def is_public(address: str) -> bool:
    """Whether an address is global unicast, so that asking it reaches the public internet only.

    Private, loopback, link-local, shared (RFC 6598), multicast, reserved and documentation ranges
    are not; nor are addresses with an IPv4 address inside that is not (mapped, NAT64), nor the
    6to4 and Teredo relays.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return _is_public_v4(parsed)
    if parsed.scope_id is not None:
        return False
    if parsed.ipv4_mapped is not None:
        return _is_public_v4(parsed.ipv4_mapped)
    if parsed in _NAT64:
        return _is_public_v4(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    closed = any(parsed in network for network in _CLOSED_V6)
    return parsed in _UNICAST_V6 and parsed.is_global and not closed


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _CLOSED_V4)
