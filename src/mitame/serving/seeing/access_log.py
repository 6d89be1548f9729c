"""The access log: a line of JSON for each request, written without keeping the event loop waiting.

A line names the route, never the path: ids of items are the users' affair, and keys are named,
never told.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

STANDARD_OUTPUT = "-"
SECONDS = 1.0
"""A line is written within this time."""
_MOST = 100_000
"""Lines that wait; where a pipe's reader has stopped reading, later ones are counted and lost."""
_EARLY = 2_000
_PIPE = 4_096
"""Bytes that a pipe takes whole from several processes (PIPE_BUF of Linux)."""


class Line(msgspec.Struct, frozen=True):
    """A request that was answered.

    Attributes:
        time: when its answer ended, UTC.
        request_id: as in the answer's header.
        method: of HTTP.
        route: as in the OpenAPI document; empty where there is none.
        status: of the answer; 499 where the client went away before there was one.
        ms: milliseconds from its headers to the answer's end.
        bytes: of the answer's body.
        caller: name of the key; ``anybody`` on a server without keys.
        address: of the client, behind trusted proxies, too.
    """

    time: str
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    bytes: int
    caller: str
    address: str


class AccessLog:
    """Keeps lines and writes them on a thread of its own, at least every second.

    Args:
        target: a file's path, ``-`` for standard output, or empty for no log at all.
        on_beat: called on that thread each second, too.
    """

    def __init__(self, target: str, on_beat: Callable[[], None] = lambda: None) -> None:
        self.dropped = 0
        self._target = target
        self._on_beat = on_beat
        self._lines: deque[bytes] = deque()
        self._encode = msgspec.json.Encoder().encode
        self._wake = threading.Event()
        self._closing = self._reopening = False
        self._second = (0, "")
        self._file = -1
        self._open()
        self._thread = threading.Thread(target=self._run, name="mitame-log", daemon=True)
        self._thread.start()

    @property
    def is_on(self) -> bool:
        """Whether lines are kept at all."""
        return bool(self._target)

    def stamp(self, at: float) -> str:
        """Seconds since 1970 as a line's time."""
        second = int(at)
        if second != self._second[0]:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            self._second = (second, text)
        return f"{self._second[1]}{int((at - second) * 1000):03d}Z"

    def add(self, line: Line) -> None:
        """Keep a line, to be written soon. Costs about a microsecond."""
        if len(self._lines) >= _MOST:
            self.dropped += 1
            return
        self._lines.append(self._encode(line))
        if len(self._lines) == _EARLY:
            self._wake.set()

    def reopen(self) -> None:
        """Open the file anew, after it was renamed; what waits goes into the old one.

        May be called from a signal's handler.
        """
        self._reopening = True
        self._wake.set()

    def close(self) -> None:
        """Write what waits and end."""
        self._closing = True
        self._wake.set()
        self._thread.join(SECONDS * 5)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(SECONDS)
            self._wake.clear()
            self._write()
            if self._reopening:
                self._reopening = False
                self._open()
            with suppress(Exception):  # the log goes on, whatever the others do
                self._on_beat()
        self._write()
        self._shut()

    def _open(self) -> None:
        self._shut()
        if not self._target:
            return
        if self._target == STANDARD_OUTPUT:
            with suppress(OSError, ValueError):
                self._file = os.dup(sys.__stdout__.fileno() if sys.__stdout__ else 1)
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            self._file = os.open(self._target, flags, 0o640)
        except OSError as error:
            text = f"the access log {self._target} can't be written: {error.strerror}\n"
            sys.stderr.write(text)

    def _shut(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self) -> None:
        lines: list[bytes] = []
        with suppress(IndexError):
            while True:
                lines.append(self._lines.popleft())
        if not lines:
            return
        if self._file < 0:
            self.dropped += len(lines) if self._target else 0
            return
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(self._file).st_mode):
                self._write_to_pipe(lines)
            else:
                self._write_whole(b"\n".join(lines) + b"\n")
            return
        self.dropped += len(lines)

    def _write_to_pipe(self, lines: list[bytes]) -> None:
        """In pieces that the lines of other processes don't come between."""
        piece: list[bytes] = []
        size = 0
        for line in lines:
            if piece and size + len(line) + 1 > _PIPE:
                self._write_whole(b"\n".join(piece) + b"\n")
                piece, size = [], 0
            piece.append(line)
            size += len(line) + 1
        self._write_whole(b"\n".join(piece) + b"\n")

    def _write_whole(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]
