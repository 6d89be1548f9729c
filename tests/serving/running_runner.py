"""A real runner process for tests: ``python -m mitame.serving.work.runner``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

import mitame
from mitame.config import ServeConfig
from mitame.serving.processes.handing import VARIABLE, to_json
from tests.serving.running_server import Server

SECONDS = 60.0
"""How long to wait for something before it counts as stuck."""


class RunnerProcess:
    """A runner that runs; stop it, or use it in a with block.

    Args:
        data: its data directory.
        settings: of the configuration.
    """

    def __init__(self, data: Path, **settings: object) -> None:
        config = replace(ServeConfig(data, grace_seconds=20), **settings)  # type: ignore[arg-type]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mitame.serving.work.runner"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, VARIABLE: to_json(config)},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.stop()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it never does.
    """
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def filled(data: Path, count: int = 50, name: str = "shop") -> None:
    """A collection of vectors."""
    random = np.random.default_rng(1)
    with mitame.open(data, name, lenses={"vectors": "vectors:8"}) as items:
        for number in range(count):
            items.add(str(number), vector=random.normal(size=8).astype(np.float32))


@contextmanager
def server_with_runner(data: Path) -> Iterator[Server]:
    """A server, and a runner that never merges unasked."""
    # Where the server brings its own runner, this one waits for it in vain, and does no harm.
    with Server(data) as running, RunnerProcess(data, merge=False):
        yield running
