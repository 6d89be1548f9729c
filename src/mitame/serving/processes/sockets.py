"""Sockets that the service listens on: its own ones, or those that it is handed."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from typing import Any

from mitame.config import ServeConfig
from mitame.errors import CannotListen

_FIRST = 3
"""Descriptor of the first socket that systemd hands over."""
_MOST_HANDED = 64
_BACKLOG = 2_048
HANDED_VARIABLES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "SERVER_STARTER_PORT")
"""Not for children: they get theirs otherwise."""


def listening(config: ServeConfig) -> socket.socket:
    """A socket at the configured address; port 0 takes a free one.

    Raises:
        CannotListen: the address is in use, not allowed, or none of this machine.
    """
    family, address = _resolved(config)
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise _problem(config, error) from error
    return made


def handed_over(variables: Mapping[str, str]) -> list[socket.socket]:
    """Sockets that systemd or Server::Starter has opened; none where neither started this process.

    Raises:
        CannotListen: what is handed over is no listening socket.
    """
    numbers = _systemd(variables) or _server_starter(variables)
    return [_taken(number) for number in numbers]


def url_of(made: socket.socket, host: str | None = None) -> str:
    """The address of a socket as people write it.

    Args:
        made: the socket.
        host: as it was configured, to be shown in place of the address.
    """
    if made.family not in (socket.AF_INET, socket.AF_INET6):
        return f"unix:{made.getsockname()}"
    address, port = made.getsockname()[:2]
    name = host or address
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def host_of(made: socket.socket) -> str:
    """The address that a socket listens on; loopback where it is one of Unix, out of any net."""
    if made.family not in (socket.AF_INET, socket.AF_INET6):
        return "127.0.0.1"
    return str(made.getsockname()[0])


def _resolved(config: ServeConfig) -> tuple[int, Any]:
    """Family and address of the configured host; of several, the one of IPv4."""
    host = config.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, config.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotListen(
            f"{config.host!r} is no address of this machine", remedy="give another --host"
        ) from error
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, address


def _problem(config: ServeConfig, error: OSError) -> CannotListen:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return CannotListen(
            f"{where} is in use", remedy="stop the other program, or give another --port"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CannotListen(
            f"{where} needs more rights",
            remedy="take a --port from 1024 on, or have systemd open it",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotListen(
            f"{config.host} is no address of this machine", remedy="give another --host"
        )
    return CannotListen(f"{where} can't be listened on: {error.strerror}")


def _systemd(variables: Mapping[str, str]) -> list[int]:
    """Descriptors by systemd's protocol (sd_listen_fds)."""
    if variables.get("LISTEN_PID") != str(os.getpid()):
        return []
    text = variables.get("LISTEN_FDS", "")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_HANDED:
        raise CannotListen(f"LISTEN_FDS is {text[:40]!r}", remedy="it is set by systemd")
    return list(range(_FIRST, _FIRST + int(text)))


def _server_starter(variables: Mapping[str, str]) -> list[int]:
    """Descriptors by Server::Starter's: ``host:port=descriptor``, with semicolons between them."""
    text = variables.get("SERVER_STARTER_PORT")
    if not text:
        return []
    numbers = [part.rpartition("=")[2] for part in text.split(";")]
    if not all(number.isdecimal() and len(number) < 6 for number in numbers):
        raise CannotListen(
            f"SERVER_STARTER_PORT is {text[:80]!r}", remedy="it is set by start_server"
        )
    return list(map(int, numbers))


def _taken(number: int) -> socket.socket:
    problem = CannotListen(
        f"descriptor {number} is no listening socket", remedy="use ListenStream= in the .socket"
    )
    try:
        made = socket.socket(fileno=number)
    except OSError as error:
        raise problem from error
    if made.type != socket.SOCK_STREAM or not _listens(made):
        made.detach()
        raise problem
    made.set_inheritable(False)
    return made


def _listens(made: socket.socket) -> bool:
    if not hasattr(socket, "SO_ACCEPTCONN"):
        return True
    try:
        return made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    except OSError:
        return True  # it is not known everywhere
