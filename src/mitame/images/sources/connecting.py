"""Connections to checked addresses only, with an end in time.

The name is resolved once, every address that comes out is checked, and the connection goes to
one of those. Resolving again when connecting would let the name's owner answer differently the
second time (DNS rebinding).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from mitame.errors import FetchFailed, FetchRefused
from mitame.images.sources.addresses import Resolver, is_public


class Deadline:
    """A moment after which nothing goes on.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            FetchFailed: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise FetchFailed("it took too long")
        return left


def system_addresses(host: str, port: int) -> list[str]:
    """What the system's resolver answers, numeric, in its order of preference.

    Raises:
        OSError: the name is not known, or no resolver answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore.NetworkBackend):
    """How httpcore connects: to public addresses only, unless private ones are allowed.

    Args:
        deadline: bounds every step.
        allow_private: connect to any address.
        resolve: host and port to numeric addresses.
    """

    def __init__(self, deadline: Deadline, *, allow_private: bool, resolve: Resolver) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands in for it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first checked address that answers.

        Raises:
            FetchRefused: one of the host's addresses is not public.
            FetchFailed: no address, or none answers.
        """
        failure: Exception | None = None
        for address in self._checked_addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, self._deadline.remaining(), local_address, socket_options
                )
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failure = error
                continue
            return _BoundedStream(stream, self._deadline)
        raise FetchFailed(f"{host} can't be reached ({failure})")

    def _checked_addresses(self, host: str, port: int) -> list[str]:
        addresses = self._addresses(host, port)
        closed = [address for address in addresses if not is_public(address)]
        if closed and not self._allow_private:
            raise FetchRefused(f"{host} is at {closed[0]}, which is not a public address")
        return addresses

    def _addresses(self, host: str, port: int) -> list[str]:
        """Resolve on a thread of its own: the system's resolver knows no deadline."""
        answers: list[list[str] | Exception] = []

        def ask() -> None:
            try:
                answers.append(self._resolve(host, port))
            except (OSError, ValueError) as error:
                answers.append(error)

        asking = threading.Thread(target=ask, daemon=True, name="mitame-resolve")
        asking.start()
        asking.join(self._deadline.remaining())
        self._deadline.remaining()
        if not answers or not isinstance(answers[0], list) or not answers[0]:
            raise FetchFailed(f"the name {host} has no address")
        return answers[0]


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose every step ends by the deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - deadline
        return self._stream.read(max_bytes, self._deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - deadline
        self._stream.write(buffer, self._deadline.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands in for it
    ) -> httpcore.NetworkStream:
        left = self._deadline.remaining()
        secure = self._stream.start_tls(ssl_context, server_hostname, left)
        return _BoundedStream(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
