"""A writer, mergers and readers at once, each a process of its own, some of them killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame.collection import create, open_store
from tests.collection.traffic import LENS, begin, window

SOURCE = Path(mitame.__file__).parent.parent
ROOT = Path(__file__).parent.parent.parent
SECONDS = float(os.environ.get("MITAME_MIXED_SECONDS", "6"))
ROUNDS = int(os.environ.get("MITAME_CRASH_ROUNDS", "20"))


@pytest.fixture
def shop(folder: Path) -> Path:
    """A collection with the first window."""
    with create(folder / "shop", [LENS]) as store:
        begin(store)
    return folder / "shop"


def _start(role: str, path: Path, seconds: float) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(SOURCE), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.collection.traffic", role, str(path), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _lines(process: subprocess.Popen[str]) -> list[str]:
    """What it said, but for a last line that was cut off; it ended well or was killed."""
    text, errors = process.communicate(timeout=SECONDS + 60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    return [line for line in text.split("\n")[:-1] if line != "begin"]


def _await_begin(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "begin\n", process.communicate()[1]


def test_reads_and_writes_while_merges_switch(shop: Path) -> None:
    """No query fails, every answer is that of its moment, whichever generation it came from."""
    roles = ["write", "merge", "read", "read", "read"]
    processes = [_start(role, shop, SECONDS) for role in roles]
    written, merged, *seen = [_lines(process) for process in processes]
    told = [json.loads(lines[0]) for lines in seen]
    took = 1_000 * np.array([each for reader in told for each in reader["took"]])
    generations = {number for reader in told for number in reader["generations"]}
    print(
        f"{len(written)} batches, {len(merged)} merges, {len(took)} queries,"
        f" {len(generations)} generations seen,"
        f" query p50 {np.percentile(took, 50):.1f} ms, p99 {np.percentile(took, 99):.1f} ms"
    )
    assert len(generations) >= 3
    assert len(written) > 10
    with open_store(shop) as store:
        assert store.check() == []
        with store.pin() as view:
            assert max(window(view)) + 1 == int(written[-1])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill -9")
def test_kill_9_of_everybody(shop: Path) -> None:
    """Nothing acknowledged is lost, no reader errs, and whoever comes next goes on."""
    rng = random.Random(0)
    acknowledged = merges = 0
    for _ in range(ROUNDS):
        processes = [_start(role, shop, 60) for role in ("write", "merge", "read")]
        for process in processes:
            _await_begin(process)
        rng.shuffle(processes)
        for process in processes:
            time.sleep(rng.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
        for process in processes:
            lines = _lines(process)
            if "write" in process.args and lines:  # type: ignore[operator]  # a list of words
                acknowledged = int(lines[-1])
            if "merge" in process.args:  # type: ignore[operator]  # as above
                merges += len([line for line in lines if line != "None"])
        with open_store(shop) as store:
            assert store.check() == []
            with store.pin() as view:
                reached = max(window(view)) + 1
                assert acknowledged <= reached <= acknowledged + 1 or not acknowledged
    with open_store(shop) as store:
        store.merge(keep=1)
        assert store.check() == []
        assert len(store.generations()) == 1
    print(f"{ROUNDS} rounds, {acknowledged} batches, {merges} whole merges")
