"""What tests of the service's processes share: who is there, and what is waited for."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable

from mitame.serving.processes.children import RUNNER, WORKER
from tests.serving.running_server import SECONDS, Server


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


def connects(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except ConnectionRefusedError:
        return False
    return True
