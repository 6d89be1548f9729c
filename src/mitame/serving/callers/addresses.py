"""Where a request comes from, where a proxy stands in between, too."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from mitame.errors import UsageError

_V6_HOST_BITS = 64
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """Proxies whose ``X-Forwarded-For`` is believed.

    Args:
        trusted: their addresses or networks, like ``10.0.0.0/8``.

    Raises:
        UsageError: one can't be read.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = tuple(map(_network, trusted))

    @property
    def any(self) -> bool:
        """Whether there is a proxy that is believed."""
        return bool(self._trusted)

    def address(self, peer: str, forwarded: Sequence[bytes]) -> str:
        """Where a request comes from.

        The header is read from its end: what stands before the first address that no trusted
        proxy has written can be anybody's invention.

        Args:
            peer: address that is connected; empty for a Unix socket.
            forwarded: values of ``X-Forwarded-For``, in their order.
        """
        if not self._trusted or not self._trusts(peer):
            return peer
        found = peer
        for step in reversed(b",".join(forwarded).split(b",")):
            text = step.strip().decode("latin-1")
            if _parsed(text) is None:
                return found
            found = text
            if not self._trusts(text):
                return found
        return found

    def _trusts(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def household(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 that a client of IPv6 owns."""
    if ":" not in address:
        return address
    parsed = _parsed(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return address if parsed is None else str(parsed)
    return str(ipaddress.IPv6Network((int(parsed), _V6_HOST_BITS), strict=False))


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"{text[:100]!r} is no address of a proxy",
            remedy="write an address or a network like 10.0.0.0/8",
        ) from None
