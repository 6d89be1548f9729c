"""What the system is told about the service: systemd's messages, and a file with its number."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mitame.errors import StorageError

NOTIFY_VARIABLE = "NOTIFY_SOCKET"


def notify(variables: Mapping[str, str], state: str) -> None:
    """Tell systemd, where it wants to know (sd_notify); it never fails.

    Args:
        variables: of the environment.
        state: like ``READY=1``.
    """
    address = variables.get(NOTIFY_VARIABLE, "")
    if address[:1] not in ("/", "@"):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.sendto(state.encode(), address)


def reloading() -> str:
    """The state while it reloads, which systemd wants with a time."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


@contextlib.contextmanager
def pid_file(path: str) -> Iterator[None]:
    """Write this process' number into a file, which goes at the end if it is still ours.

    Args:
        path: of the file; nothing is written where it is empty.

    Raises:
        StorageError: it can't be written.
    """
    if not path:
        yield
        return
    file, own = Path(path), f"{os.getpid()}\n"
    half = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        half.write_text(own)
        half.replace(file)
    except OSError as error:
        raise StorageError(f"the pid file {path} can't be written: {error.strerror}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file.read_text() == own:
                file.unlink()
