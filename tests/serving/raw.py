"""Raw sockets for tests: what no HTTP client would send."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from typing import Any

SECONDS = 20.0
"""How long to wait for a server before it counts as stuck."""

HEAD = b"Host: localhost\r\n"


def connected(port: int, *, receive_buffer: int | None = None) -> socket.socket:
    """A connection; with a receive buffer so small that a server soon has to wait."""
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(SECONDS)
    made.connect(("127.0.0.1", port))
    return made


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the other side ends; a reset is an end, too."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def exchanged(port: int, sent: bytes) -> bytes:
    """Send, then read until the server closes."""
    with connected(port) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        return until_closed(connection)


def one_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer with a Content-Length; status 0 where the server closes without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(1)
        if not part:
            return 0, {}, data
        data += part
    lines = data.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
    }
    body, size = b"", int(headers.get("content-length", 0))
    while len(body) < size:
        body += connection.recv(size - len(body))
    return int(lines[0].split()[1]), headers, body


def statuses(data: bytes) -> list[int]:
    """Statuses of all answers in what came; a body may well speak of HTTP/1.1."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3})", data)]


def problem_of(data: bytes) -> Any:
    """The body of the last answer, as JSON."""
    return json.loads(data.rpartition(b"\r\n\r\n")[2])
