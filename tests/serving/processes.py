"""What tests of the service's processes share: who is there, and clients that ask all the time."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Self

from mitame.serving.processes.children import RUNNER, WORKER
from tests.serving.running_server import SECONDS, Server

_PAUSE_SECONDS = 0.005
"""Between two questions of a client: the processes that start need the cores, too."""


def children(server: Server, kind: str = "worker") -> list[int]:
    """Numbers of the workers, or of the runner, oldest first."""
    module = {"worker": WORKER, "runner": RUNNER}[kind]
    return [
        pid
        for pid, parent, words in processes()
        if parent == server.process.pid and module in words
    ]


def processes() -> list[tuple[int, int, str]]:
    """Number, parent and command line of all processes of this machine that live."""
    told = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 3) for line in told.stdout.splitlines()]
    return [(int(r[0]), int(r[1]), r[3]) for r in rows if len(r) == 4 and not r[2].startswith("Z")]


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it never does.
    """
    end = time.monotonic() + 2 * SECONDS  # a busy machine starts several processes in it
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def told(server: Server, text: str, times: int = 1) -> None:
    """Wait until the server has printed something so many times."""

    def holds() -> bool:
        return sum(text in line for line in list(server.lines)) >= times

    try:
        until(holds, f"{text!r} {times} times")
    except AssertionError as error:
        raise AssertionError(f"{error} in:\n{''.join(server.lines)}") from None


class Load:
    """Clients that ask all the time, each on a connection that it keeps as long as it may.

    Args:
        server: that is asked.
        path: of the question, which must be answered with 200.
        clients: how many.

    Attributes:
        count: of right answers.
        failures: everything else; a client goes on after it.
    """

    def __init__(self, server: Server, path: str, clients: int = 4) -> None:
        self.count = 0
        self.failures: list[str] = []
        self._port, self._path = server.port, path
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def more(self, count: int) -> None:
        """Wait for so many more answers."""
        wanted = self.count + count
        until(lambda: self.count >= wanted, f"{count} more answers")

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        while not self._ends.wait(_PAUSE_SECONDS):
            try:
                connection.request("GET", self._path)
                answer = connection.getresponse()
                body = answer.read()
                problem = "" if answer.status == 200 else f"{answer.status} {body[:200]!r}"
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
                connection.close()
            with self._lock:
                self.count += not problem
                if problem:
                    self.failures.append(problem)
        connection.close()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
