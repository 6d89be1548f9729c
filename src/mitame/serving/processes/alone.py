"""Serving from one process, where processes can't share a socket as here (Windows)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from mitame.serving.processes.children import RUNNER
from mitame.serving.processes.epochs import Epoch
from mitame.serving.processes.greeting import greeting
from mitame.serving.processes.handing import VARIABLE, to_json
from mitame.serving.processes.worker import run


def serve_alone(epoch: Epoch, tell: Callable[[str], None]) -> int:
    """Answer in this process until it is told to stop, with a runner beside it.

    Args:
        epoch: configuration and sockets.
        tell: prints a line for whoever starts it.
    """
    variables = {**os.environ, VARIABLE: to_json(epoch.config)}
    # S603: it is this program itself.
    runner = subprocess.Popen([sys.executable, "-P", "-m", RUNNER], env=variables)  # noqa: S603
    try:
        for line in greeting(epoch.config, epoch.urls(), has_keys=epoch.has_keys):
            tell(line)
        run(epoch.config, epoch.sockets)
    finally:
        runner.terminate()
        runner.wait()
    return 0
