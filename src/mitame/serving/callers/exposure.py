"""Without a key: who may be let in nevertheless, so that no stranger's page or network gets in."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from mitame.config import ServeConfig
from mitame.errors import NotAllowed, UsageError

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def check_exposure(config: ServeConfig, *, has_keys: bool, host: str | None = None) -> None:
    """Pass where the server may listen as it is set up.

    Args:
        config: of the service.
        has_keys: whether there is a key, in the data directory or in the environment.
        host: that is listened on, where it is not the configured one (socket activation).

    Raises:
        UsageError: it would listen beyond this machine, without a key.
    """
    listening = config.host if host is None else host
    if has_keys or config.allow_open or is_loopback(listening):
        return
    raise UsageError(
        f"without a key everybody who reaches {listening} could read and change all",
        remedy="make a key first: mitame keys add NAME --role admin"
        " (or listen on 127.0.0.1, or say --allow-open)",
    )


def is_loopback(host: str) -> bool:
    """Whether an address or name reaches this machine only, whatever a resolver says.

    Args:
        host: without a port; an IPv6 address with or without brackets.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def check_host(host: str) -> None:
    """Pass where a keyless server was asked by a name of this machine.

    A page of the web can have its own name lead to 127.0.0.1 once it is loaded (DNS rebinding);
    what it can't do is to ask under another name than its own.

    Args:
        host: value of the Host header; empty where there was none, which no browser does.

    Raises:
        NotAllowed: another name.
    """
    if not host or is_loopback(_without_port(host)):
        return
    raise NotAllowed(
        f"without a key only this machine is answered, and it was asked as {host[:200]!r}",
        remedy="ask http://127.0.0.1, or make a key: mitame keys add NAME --role admin",
    )


def check_origin(method: str, origin: str, host: str, allowed: Sequence[str]) -> None:
    """Pass where a keyless server is not written to by a page of another site.

    A browser sends simple POSTs across sites without asking first; the Origin header tells.

    Args:
        method: of the request.
        origin: value of the Origin header; empty where there was none.
        host: value of the Host header.
        allowed: origins that may, as for CORS; ``*`` for all.

    Raises:
        NotAllowed: another site's page.
    """
    if not origin or method in _READING or origin in allowed or "*" in allowed:
        return
    if host and origin.lower() in {f"http://{host}".lower(), f"https://{host}".lower()}:
        return
    raise NotAllowed(
        f"pages of {origin[:200]!r} must not write here",
        remedy="name the origin with --cors",
    )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0]
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host
