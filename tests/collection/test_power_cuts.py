"""The power is cut at every call of the storage: what was acknowledged is there, no half state.

Each workload is done twice. First on a plain disk, noting what the collection shows after each
step. Then on a faulty one, which before every single call, and after the last, is copied as it
would be after a power cut: with everything unsynced dropped, and with writes torn and names kept
at random. Each copy is opened: it shows what it showed before the step under way, or after it.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mitame.collection import open_store
from mitame.collection.backup import back_up
from mitame.collection.paths import DATABASE
from mitame.storage import LocalDirectory
from mitame.testing.faults import Effect, Faults, FaultyDirectory, PowerCut, Unsynced
from tests.collection.moments import Moment, answers, moment
from tests.collection.workloads import (
    MERGE,
    OLD,
    WORKLOADS,
    Step,
    empty,
    generation,
    rehearse,
)

GOLDEN = Path(__file__).parent.parent / "golden"
EFFECTS: tuple[Effect, ...] = ("none", "start", "garbage")
STRIDE = int(os.environ.get("MITAME_CUT_STRIDE", "41"))
"""Every so manieth call is cut for good."""

SEEDS = int(os.environ.get("MITAME_CUT_SEEDS", "1"))
"""How many random outcomes of each cut are tried, beside the strictest one."""


class Cuts:
    """Copies the disk before each call as it would be after a cut, and looks at the copies."""

    def __init__(self, folder: Path, look: Callable[[Path], None]) -> None:
        self.points = 0
        self.copies = 0
        self._folder = folder
        self._look = look

    def watch(self, faulty: FaultyDirectory) -> None:
        """Cut before each call of a directory from now on."""
        faulty.faults.watch = lambda _number, _text: self.cut(faulty)

    def cut(self, faulty: FaultyDirectory) -> None:
        """Look at every outcome of a cut at this instant."""
        self.points += 1
        outcomes: list[tuple[Unsynced, Unsynced]] = [("dropped", "dropped"), ("random", "random")]
        for unsynced_bytes, unsynced_names in outcomes[:1] + outcomes[1:] * SEEDS:
            self.copies += 1
            copy = self._folder / f"cut-{self.copies}"
            faulty.durable_copy(
                copy,
                unsynced_bytes=unsynced_bytes,
                unsynced_names=unsynced_names,
                seed=self.copies,
            )
            self._look(copy)
            shutil.rmtree(copy)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_power_cut_at_every_call(folder: Path, small_files: None, name: str) -> None:
    """Every acknowledged step is there, the one under way wholly or not at all, all is well."""
    empty(folder / "plain")
    empty(folder / "faulty")
    cuts = _cut_everywhere(folder, WORKLOADS[name])
    print(f"{name}: {cuts.points} cut points, {cuts.copies} outcomes")
    assert cuts.points > 3 * len(WORKLOADS[name])


def _cut_everywhere(folder: Path, steps: Sequence[Step]) -> Cuts:
    """Does steps to the collections ``plain`` and ``faulty``, which are equal."""
    shown = rehearse(folder / "plain", steps)
    done = 0

    def look(path: Path) -> None:
        with open_store(path) as store:
            assert moment(store) in [m for m, _ in shown[done : done + 2]]
            assert generation(store) in {g for _, g in shown[done : done + 2]}
            assert store.check() == []

    faulty = FaultyDirectory(folder / "faulty", Faults())
    cuts = Cuts(folder, look)
    with open_store(folder / "faulty", directory=faulty) as store:
        cuts.watch(faulty)
        for step in steps:
            step(store)
            done += 1
            cuts.cut(faulty)
    return cuts


def test_a_collection_of_format_1(folder: Path, small_files: None) -> None:
    """One that an earlier mitame made is upgraded and written to, whenever the power goes."""
    with tarfile.open(GOLDEN / "collection-1.tar.gz") as archive:
        archive.extractall(folder / "old", filter="data")
    (old,) = [path.parent for path in (folder / "old").rglob("collection.sqlite3")]
    shutil.copytree(old, folder / "plain")
    shutil.copytree(old, folder / "faulty")
    _cut_everywhere(folder, OLD)


def test_backups(folder: Path, small_files: None) -> None:
    """A backup is there whole or not at all; what it was taken of is as it was."""
    shown = rehearse(empty(folder / "shop"), MERGE)[-1][0]
    (folder / "target").mkdir()

    def look(path: Path) -> None:
        names = sorted(p.name for p in path.glob("backup/*"))
        if names not in ([], [DATABASE]):  # its file is copied to where its folder isn't, too
            with open_store(path / "backup") as store:
                assert moment(store) == shown
                assert store.check() == []
        else:
            assert not is_there

    is_there = False
    faulty = FaultyDirectory(folder / "target", Faults())
    cuts = Cuts(folder, look)
    cuts.watch(faulty)
    with open_store(folder / "shop") as store:
        with store.pin() as view:
            source = LocalDirectory(folder / "shop")
            back_up(view, source, faulty, "backup", on_progress=lambda *_: None)
        is_there = True
        cuts.cut(faulty)
        assert moment(store) == shown
        assert store.check() == []
    print(f"backup: {cuts.points} cut points, {cuts.copies} outcomes")


@pytest.mark.parametrize("name", WORKLOADS)
def test_going_on_after_a_power_cut(folder: Path, small_files: None, name: str) -> None:
    """Cut for good, with the write under way torn; the next process ends where it should."""
    steps = WORKLOADS[name]
    shown = rehearse(empty(folder / "plain"), steps)
    wanted = _answers(folder / "plain")
    tried = 0
    for effect in EFFECTS:
        at = 1 + tried % STRIDE
        while (copy := _cut(folder, steps, at, effect)) is not None:
            path, done = copy
            _go_on(path, steps, done, shown)
            assert _answers(path) == wanted
            shutil.rmtree(path)
            at, tried = at + STRIDE, tried + 1
    print(f"{name}: gone on after {tried} cuts")
    assert tried > 4


def _cut(folder: Path, steps: Sequence[Step], at: int, effect: Effect) -> tuple[Path, int] | None:
    """The disk after a cut at a call, and how many steps were acknowledged; None past the end."""
    path = empty(folder / f"cut-{effect}-{at}")
    faulty = FaultyDirectory(path, Faults(cut_at=at, effect=effect, seed=at))
    done = 0
    try:
        with open_store(path, directory=faulty) as store:
            for step in steps:
                step(store)
                done += 1
    except PowerCut:
        copy = folder / "after"
        faulty.durable_copy(copy, unsynced_bytes="random", unsynced_names="random", seed=at)
        return copy, done
    finally:
        shutil.rmtree(path)
    return None


def _go_on(path: Path, steps: Sequence[Step], done: int, shown: list[tuple[Moment, int]]) -> None:
    with open_store(path) as store:
        before, after = shown[done], shown[done + 1]
        is_undone = moment(store) == before[0] != after[0]
        if is_undone or generation(store) != after[1]:
            steps[done](store)
        for step in steps[done + 1 :]:
            step(store)
        assert moment(store) == shown[-1][0]
        assert store.check() == []


def _answers(path: Path) -> list[list[tuple[str, float]]]:
    with open_store(path) as store:
        return answers(store)
