"""A gannoy user's session with the real curl, as it is shown in examples/gannoy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.serving.running_server import Server

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "gannoy"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_transcript(run: Run, tmp_path: Path) -> None:
    """Every answer, status and content type, letter by letter."""
    assert run("gannoy", "create", "-d", 3, "fruit").returncode == 0
    with Server(tmp_path / "data", "--gannoy") as server:
        result = subprocess.run(
            ["sh", EXAMPLE / "transcript.sh", server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert result.stderr == ""
    assert result.stdout == (EXAMPLE / "transcript.txt").read_text(encoding="utf-8")
