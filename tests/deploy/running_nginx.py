"""A real nginx for tests: a file of ``deploy/nginx`` with ports and paths of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

ROOT = Path(__file__).parents[2]
NGINX = ROOT / "deploy" / "nginx"
SECONDS = 30.0
"""How long to wait for nginx before it counts as stuck."""
_PROGRAM = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
_MODULES = Path("/usr/lib/nginx/modules")
_CJSON = next(Path("/usr/lib").glob("*/lua/5.1/cjson.so"), None)
_LUA = ("ndk_http_module.so", "ngx_http_lua_module.so")

needs_nginx = pytest.mark.skipif(_PROGRAM is None, reason="nginx is not installed")
needs_lua = pytest.mark.skipif(
    _PROGRAM is None or _CJSON is None or not all((_MODULES / name).exists() for name in _LUA),
    reason="nginx, libnginx-mod-http-lua or lua-cjson is not installed",
)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configured(name: str, changes: Mapping[str, str]) -> str:
    """A file of ``deploy/nginx`` with texts of it replaced; each must be there."""
    text = (NGINX / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    return text


def _main(prefix: Path, http: str, workers: int, *, lua: bool) -> str:
    """The main configuration: everything that nginx writes is within the prefix."""
    load = "".join(f"load_module {_MODULES / name};\n" for name in _LUA) if lua else ""
    # Whoever runs the tests runs the workers: they read the folders of the tests.
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"    {kind}_temp_path {prefix}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"{load}{user}daemon off;\nworker_processes {workers};\nworker_shutdown_timeout 5s;\n"
        f"pid {prefix}/nginx.pid;\nerror_log {prefix}/error.log warn;\n"
        "events {\n    worker_connections 1024;\n}\n"
        f"http {{\n{temporary}    access_log {prefix}/access.log;\n{http}\n}}\n"
    )


class Nginx:
    """An nginx that runs; use it in a with block.

    Args:
        prefix: a directory of its own.
        http: what stands in the ``http`` block.
        port: that is waited for.
        workers: its processes.
        lua: load the Lua module.
    """

    def __init__(
        self, prefix: Path, http: str, port: int, *, workers: int = 1, lua: bool = False
    ) -> None:
        assert _PROGRAM is not None
        self.prefix, self.port = prefix, port
        prefix.mkdir(parents=True, exist_ok=True)
        self.file = prefix / "nginx.conf"
        self.file.write_text(_main(prefix, http, workers, lua=lua))
        command = [_PROGRAM, "-p", str(prefix), "-c", str(self.file), "-e", str(self.log)]
        found = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    @property
    def log(self) -> Path:
        """Where it tells of what went wrong."""
        return self.prefix / "error.log"

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        master = self.process.pid
        return [int(n) for n in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def _wait(self) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.process.kill()
        self.process.wait()
        raise AssertionError("nginx did not start:\n" + self.log.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(SECONDS)
