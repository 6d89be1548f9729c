"""The real command on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path


def on_terminal(*words: object, data: Path) -> tuple[int, str]:
    """Exit code and all that a person would see."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "mitame", *map(str, words)],
        env={**os.environ, "MITAME_DATA": str(data), "TERM": "dumb", "TERM_PROGRAM": ""},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    seen = bytearray()
    while True:
        try:
            part = os.read(parent, 65_536)
        except OSError:  # Linux says EIO when the other side has closed
            break
        if not part:
            break
        seen += part
    os.close(parent)
    return process.wait(timeout=60), seen.decode()
