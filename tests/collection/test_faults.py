"""A call of the storage fails, or the disk is full: a typed error, and the next try succeeds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from mitame.collection import Store, open_store
from mitame.errors import StorageError
from mitame.testing.faults import Faults, FaultyDirectory
from tests.collection.moments import answers, moment
from tests.collection.workloads import MERGE, WORKLOADS, Step, empty, generation, rehearse

STRIDE = int(os.environ.get("MITAME_CUT_STRIDE", "29"))
"""Every so manieth call fails."""


def _retried(store: Store, steps: Sequence[Step], faults: Faults) -> int:
    """Does all steps, each again where it failed with nothing changed; how many failed."""
    failed = 0
    for step in steps:
        before = moment(store), generation(store)
        try:
            step(store)
        except StorageError:
            failed += 1
            faults.full_after = None
            if (moment(store), generation(store)) == before:
                step(store)
    return failed


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_failing_call(folder: Path, small_files: None, name: str) -> None:
    """Whichever call it is: the step fails or has happened, and the same process goes on."""
    steps = WORKLOADS[name]
    shown = rehearse(empty(folder / "plain"), steps)
    with open_store(folder / "plain") as store:
        wanted = answers(store)
    at, failed = 1, 1
    while failed:
        faults = Faults(fail_at=at)
        path = empty(folder / f"failing-{at}")
        failed = 0
        try:
            with open_store(path, directory=FaultyDirectory(path, faults)) as store:
                failed = _retried(store, steps, faults)
                assert moment(store) == shown[-1][0]
                assert answers(store) == wanted
                assert store.check() == []
        except StorageError:  # of opening
            failed = 1
        shutil.rmtree(path)
        at += STRIDE
    assert at > 2 * STRIDE


@pytest.mark.parametrize("room", [0, 40, 100, 300, 1_000, 3_000, 8_000, 13_000, 20_000])
def test_a_disk_that_gets_full(folder: Path, small_files: None, room: int) -> None:
    """At any moment of writes and merges; once there is room again all goes on."""
    shown = rehearse(empty(folder / "plain"), MERGE)
    path = empty(folder / "full")
    faults = Faults(full_after=room)
    with open_store(path, directory=FaultyDirectory(path, faults)) as store:
        assert _retried(store, MERGE, faults) == 1
        assert moment(store) == shown[-1][0]
        assert store.check() == []


def test_a_merge_on_a_full_disk_gives_back_what_it_took(folder: Path, small_files: None) -> None:
    """Nothing of the snapshot that did not fit is left, so that writes go on."""
    path = empty(folder / "shop")
    faults = Faults()
    with open_store(path, directory=FaultyDirectory(path, faults)) as store:
        MERGE[0](store)
        faults.full_after = 1_000
        with pytest.raises(StorageError, match="no space"):
            store.merge()
        assert [p.name for p in (path / "snapshots").iterdir() if p.is_dir()] == []
        faults.full_after = None
        assert store.merge() == 1
        assert store.check() == []
