"""One process that answers: uvicorn over sockets that others may listen on, too.

``python -m mitame.serving.processes.worker SOCKETS LINE``, started by the supervisor: descriptors
of the sockets with commas between them, and of a line to the supervisor. The worker writes to it
once it answers, and reads orders from it. When the line breaks, the supervisor is gone, and so it
goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from math import ceil
from types import FrameType

import uvicorn

from mitame.config import ServeConfig
from mitame.errors import MitameError
from mitame.serving.app import Application
from mitame.serving.callers.protocol import limited
from mitame.serving.processes.handing import handed
from mitame.serving.processes.line import CANNOT_START, DRAIN, READY, REOPEN

_LINGER_SECONDS = 0.25
"""A request that was sent before its client could know of the end is answered still."""
_LOOK_SECONDS = 0.05


class Worker(uvicorn.Server):
    """Answers until it is told to stop, then ends what is in flight.

    Args:
        config: of the service.
        line: to the supervisor, if there is one.
    """

    def __init__(self, config: ServeConfig, line: socket.socket | None = None) -> None:
        self._application = Application(config)
        self._seconds = config.grace_seconds
        self._keep_alive = config.limits.keep_alive_seconds
        self._line = line
        self._drains = False
        super().__init__(_settings(config, self._application))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, which uvicorn would raise again in the end."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self._stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self._line is not None:
            self._line.setblocking(False)
            asyncio.get_running_loop().add_reader(self._line, self._hear, self._line)
            with contextlib.suppress(OSError):
                self._line.send(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end what is in flight, close all."""
        for listener in self.servers:
            listener.close()
        for each in sockets or []:
            each.close()
        await self._end_connections()
        await super().shutdown(sockets)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._drains = False
        self.should_exit = True

    def _hear(self, line: socket.socket) -> None:
        try:
            orders = line.recv(64)
        except BlockingIOError:
            return
        except OSError:
            orders = b""
        if REOPEN in orders:
            self._application.reopen_logs()
        if DRAIN in orders:
            self._drains = self.should_exit = True
        if not orders:
            asyncio.get_running_loop().remove_reader(line)
            self._drains, self.should_exit = False, True

    async def _end_connections(self) -> None:
        """Answer what was asked already, each answer the last one of its connection.

        An idle connection may bring a request at the very moment in which it would be closed. So
        where others take over, it is kept until its next request or its own end; and for a
        moment, where nobody does.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        stopped: float | None = None
        while self.server_state.connections:
            now = loop.time()
            if stopped is None and not self._drains:
                stopped = now
                self._application.drain()  # else the service is as ready as before
            self._say_last()
            await asyncio.sleep(_LOOK_SECONDS)
            now = loop.time()
            if stopped is not None and now - stopped >= _LINGER_SECONDS and not self._in_flight():
                return
            most = self._seconds + (self._keep_alive if stopped is None else 0)
            if now - (began if stopped is None else stopped) >= most:
                self._cut_off()
                return

    def _say_last(self) -> None:
        date = (b"date", formatdate(usegmt=True).encode())
        self.server_state.default_headers = [date, (b"connection", b"close")]
        for connection in list(self.server_state.connections):
            if _is_answering(connection):
                connection.shutdown()

    def _in_flight(self) -> int:
        return sum(map(_is_answering, self.server_state.connections))

    def _cut_off(self) -> None:
        count = self._in_flight()
        if count:
            _say(f"{count} requests are cut off: they took too long")
        # What uvicorn would say about each of them is said.
        logging.getLogger("uvicorn.error").disabled = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"worker: {text}\n")
        sys.stderr.flush()


def _is_answering(connection: object) -> bool:
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and not cycle.response_complete


def _settings(config: ServeConfig, application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=limited(config.limits, application.refused),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=ceil(config.limits.keep_alive_seconds),
        timeout_graceful_shutdown=1,  # after `Worker` has given them their time
    )


def run(
    config: ServeConfig, sockets: Sequence[socket.socket], line: socket.socket | None = None
) -> None:
    """Answer until SIGTERM or SIGINT, then end what is in flight.

    Args:
        config: of the service.
        sockets: to listen on.
        line: to the supervisor, if there is one.
    """
    Worker(config, line).run(list(sockets))


def main(arguments: Sequence[str]) -> int:
    """Answer on the sockets of these descriptors; the exit status."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        config = handed()
        numbers, line = arguments
        sockets = [socket.socket(fileno=int(number)) for number in numbers.split(",")]
        run(config, sockets, socket.socket(fileno=int(line)))
    except MitameError as error:
        _say(error.line())
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
