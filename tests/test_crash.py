"""kill -9 while indexing, at random instants: nothing acknowledged is lost, nothing is twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mitame
from mitame.images.candidate import Candidate
from mitame.images.sources import open_source

ROUNDS = int(os.environ.get("MITAME_CRASH_ROUNDS", "20"))

# Prints an id once its batch is acknowledged: every append is followed by what it wrote.
CHILD = """
import sys
import mitame
from mitame.collection import Store
from mitame.ingest import pipeline
pipeline.BATCH_ITEMS = 7
append = Store.append
def told(self, changes):
    position = append(self, changes)
    for change in changes:
        print(change.item.id, flush=True)
    return position
Store.append = told
with mitame.open(sys.argv[1]) as shop:
    print("begin", flush=True)
    shop.index(sys.argv[2])
"""


def test_kill_9_at_random_instants(tmp_path: Path, catalogue: Path) -> None:
    """Killed again and again until all is indexed; after each, the store is whole."""
    rng = random.Random(0)
    acknowledged: set[str] = set()
    killed = 0
    data = tmp_path / "data"
    for attempt in range(ROUNDS):
        if attempt and len(acknowledged) > 80:
            data = tmp_path / f"data{attempt}"  # all is indexed: begin anew
            acknowledged.clear()
        told, was_killed = _index_and_kill(data, catalogue, rng.uniform(0, 0.5))
        killed += was_killed
        acknowledged |= told
        _look(data, acknowledged)
    print(f"{ROUNDS} rounds, {killed} killed in the middle")
    assert killed >= ROUNDS // 2
    with mitame.open(data) as shop:
        shop.index(catalogue)
        offered = {each.id for each in open_source(str(catalogue)) if isinstance(each, Candidate)}
        assert {item.id for item in shop.items()} == offered


def _index_and_kill(data: Path, catalogue: Path, after: float) -> tuple[set[str], bool]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), str(catalogue)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begin\n"
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    told = child.stdout.read()
    child.stdout.close()
    status = child.wait()
    # The last line may be cut off in the middle of an id.
    return set(told[: told.rfind("\n") + 1].splitlines()), status == -signal.SIGKILL


def _look(data: Path, acknowledged: set[str]) -> None:
    with mitame.open(data) as shop:
        counts = Counter(item.id for item in shop.items())
        assert acknowledged <= set(counts)
        assert max(counts.values(), default=1) == 1
        assert shop.check() == []
        with shop.store.pin() as view:
            owners = [int(each) for each in view.owners("look") if each >= 0]
        assert len(owners) == len(set(owners)) == len(counts)
