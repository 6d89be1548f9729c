"""Ctrl-C at any time: exit code 130, no traceback, nothing lost that was acknowledged."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mitame
from tests.conftest import COUNT

# The command, with a SIGINT in the very moment when a module is about to be imported.
INTERRUPTED_IMPORT = """
import os, signal, sys
from mitame.cli.main import main

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000): pass
            except KeyboardInterrupt:
                {reaction}
        return None

sys.meta_path.insert(0, Finder())
main(sys.argv[1:])
"""


@pytest.mark.parametrize("reaction", ["raise", "raise ImportError('initialization failed')"])
@pytest.mark.parametrize("module", ["click", "mitame.cli.search", "numpy", "mitame.search"])
def test_ctrl_c_during_the_start_is_quiet(data: Path, module: str, reaction: str) -> None:
    """While modules load, an interrupt, and an error that it leads to, is 130 and no words."""
    code = INTERRUPTED_IMPORT.format(module=module, reaction=reaction)
    words = [sys.executable, "-c", code, "search", "--id", "x", "--data", str(data)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip(), done.stdout) == (130, "", "")


def big_folder(tmp_path: Path, catalogue: Path) -> Path:
    """A folder that takes a while."""
    big = tmp_path / "big"
    for copy in range(12):
        shutil.copytree(catalogue, big / str(copy))
    return big


def items(data: Path) -> int:
    """How many there are, 0 before the collection is made."""
    if not (data / "default").exists():
        return 0
    with mitame.open(data, create=False) as shop:
        return len(shop)


def begun(words: list[str], data: Path) -> subprocess.Popen[str]:
    """The command in a process that has kept its first items."""
    child = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and items(data) == 0:
        time.sleep(0.05)
    return child


def test_ctrl_c_stops_cleanly_and_goes_on_later(tmp_path: Path, catalogue: Path) -> None:
    """SIGINT: exit 130, a summary, no traceback; the next run finishes the work."""
    data = tmp_path / "data"
    target = str(big_folder(tmp_path, catalogue))
    words = [sys.executable, "-m", "mitame", "index", target, "--data", str(data)]
    child = begun(words, data)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in said
    assert "stopped" in said
    kept = items(data)
    assert 0 < kept < 12 * COUNT
    again = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["items"] == 12 * COUNT
    assert json.loads(again.stdout)["added"] == 12 * COUNT - kept


def test_an_impatient_ctrl_c_ends_at_once(tmp_path: Path, catalogue: Path) -> None:
    """A second and third SIGINT while it closes down: 130, no traceback, nothing damaged."""
    data = tmp_path / "data"
    target = str(big_folder(tmp_path, catalogue))
    words = [sys.executable, "-m", "mitame", "index", target, "--data", str(data)]
    child = begun(words, data)
    for _ in range(20):
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            time.sleep(0.01)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in said
    assert "Fatal" not in said
    with mitame.open(data, create=False) as shop:
        assert 0 < len(shop) < 12 * COUNT
        assert shop.check() == []
