"""The way in: what ``mitame serve`` calls."""

from __future__ import annotations

import os
from collections.abc import Callable

from mitame.config import ServeConfig
from mitame.serving.processes.epochs import epoch_of
from mitame.serving.processes.notifying import pid_file
from mitame.serving.processes.sockets import handed_over


def serve(
    read: Callable[[], ServeConfig], tell: Callable[[str], None], say: Callable[[str], None]
) -> int:
    """Answer over HTTP until the process is told to stop.

    Args:
        read: reads the configuration; once more at each SIGHUP.
        tell: prints a line for whoever starts it.
        say: prints a line to the server's log.

    Returns:
        The exit status.

    Raises:
        UsageError, CannotListen, StorageError: it can't be served so.
    """
    config = read()
    handed = handed_over(os.environ)
    epoch = epoch_of(config, handed)
    with pid_file(config.pid_file):
        if os.name == "nt":
            from mitame.serving.processes.alone import serve_alone

            return serve_alone(epoch, tell)
        # It needs signals and groups of processes that are not everywhere.
        from mitame.serving.processes.supervisor import Supervisor

        return Supervisor(read, epoch, handed, tell, say).run()
