"""A port of this machine that nobody may come to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Canary:
    """Listens on loopback, and counts who comes.

    Attributes:
        port: where.
        visits: connections so far.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.visits = 0
        self._counting = threading.Thread(target=self._count, daemon=True)
        self._counting.start()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):  # what waits in accept is not woken by closing alone
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._counting.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
