"""The units for systemd: they fit the product, and systemd accepts them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.product import PORT, check_serve, check_variables
from tests.deploy.running_nginx import ROOT

SYSTEMD = ROOT / "deploy" / "systemd"
SERVE_PAGE = ROOT / "docs" / "serve.md"
PROGRAM = "/opt/mitame/bin/mitame"


def settings(name: str) -> dict[str, str]:
    """A unit's settings by name; the last of each."""
    lines = (SYSTEMD / name).read_text().splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {key: value for key, _, value in pairs}


def test_service_fits_the_product() -> None:
    """Its command, its variables, and time enough to end what is in flight."""
    found = settings("mitame.service")
    program, *words = shlex.split(found["ExecStart"])
    assert program == PROGRAM
    check_serve(words)
    check_variables(found["Environment"])
    assert f"MITAME_DATA=/var/lib/{found['StateDirectory']}" in found["Environment"]
    assert f"MITAME_CACHE=/var/cache/{found['CacheDirectory']}" in found["Environment"]
    assert int(found["TimeoutStopSec"]) > 30  # ServeConfig.grace_seconds


def test_service_tells_and_reloads_as_documented() -> None:
    """The type, which needs no new systemd, and the signal that reads the settings again."""
    found = settings("mitame.service")
    assert found["Type"] == "notify"
    assert found["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert f"`Type={found['Type']}`, with SIGHUP as `ExecReload`" in SERVE_PAGE.read_text()


def test_service_is_confined() -> None:
    """It runs as nobody in particular, and may write into its own directories only."""
    found = settings("mitame.service")
    assert found["DynamicUser"] == found["NoNewPrivileges"] == "yes"
    assert found["ProtectSystem"] == "strict"
    assert found["CapabilityBoundingSet"] == ""


def test_socket() -> None:
    """It listens on this machine only, at the usual port."""
    assert settings("mitame.socket")["ListenStream"] == f"127.0.0.1:{PORT}"


def test_systemd_accepts_them(tmp_path: Path) -> None:
    """systemd-analyze has nothing to say, with and without the drop-in."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for name in ("mitame.service", "mitame.socket"):
        text = (SYSTEMD / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, sys.executable))
    for _ in range(2):
        command = [
            analyze,
            "verify",
            *(str(tmp_path / f"mitame.{kind}") for kind in ("service", "socket")),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        (tmp_path / "mitame.service.d").mkdir(exist_ok=True)
        shutil.copy(SYSTEMD / "readable-by-nginx.conf", tmp_path / "mitame.service.d")
