"""A server process in a small internet of its own: ``python -m`` runs this file.

Names are asked of a `NameServer`, and connections to one public address end at a site on this
machine. What decides whom to ask, and asks, is the service's own code.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

from tests.serving.limited_server import serve
from tests.serving.name_server import ask_name
from tests.serving.running_server import Server

PUBLIC = "93.184.215.14"
"""Any public address: nothing that is sent to it leaves this machine."""


def resolving_server(data: Path, *, names: int, site: int, **fields: Any) -> Server:
    """A server in its small internet.

    Args:
        data: its data directory.
        names: port of the server that knows the names.
        site: port, on loopback, of what is at the public address; 0 for nothing.
        fields: of its configuration.
    """
    told = json.dumps({"data": str(data), "fields": fields, "limits": {}})
    command = [sys.executable, "-m", "tests.serving.resolving_server", told, str(names), str(site)]
    return Server(data, command=command)


def _ask_names_of(port: int) -> None:
    """Let every look-up of a name in this process be asked of the server on this port."""
    system = socket.getaddrinfo

    def asked(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not isinstance(name, str) or not name.rstrip(".").endswith(".test"):
            return system(host, *arguments, **named)
        return [
            entry
            for address in ask_name(name, port)
            for entry in system(address, *arguments, **named)
        ]

    socket.getaddrinfo = asked


def _put_site_at(port: int) -> None:
    """Let connections of this process to the public address end at this port of loopback."""
    system = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] == PUBLIC:
            address = ("127.0.0.1", port)
        system(self, address)

    setattr(socket.socket, "connect", connect)  # noqa: B010 - mypy lets no method be assigned


if __name__ == "__main__":
    _ask_names_of(int(sys.argv[2]))
    _put_site_at(int(sys.argv[3]))
    serve(sys.argv[1])
