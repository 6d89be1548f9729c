"""A whole run on a little set with processes of their own; what fails doesn't stop the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.engines import growth, race, report
from benchmarks.engines.__main__ import arguments, measured
from benchmarks.engines.data import Places, Size, prepare
from benchmarks.engines.dataset import load
from benchmarks.engines.entrant import Entrant, Failed
from benchmarks.engines.memory import available, used
from benchmarks.engines.peers.catalog import contenders
from benchmarks.engines.peers.peer import Contender, Peer, Task, roots
from benchmarks.engines.race import ENOUGH, Rules, worth
from benchmarks.engines.worker import Worker, answered

FLAT = "mitame exact"
TASKS = [Task(60_000, 784, "euclidean"), Task(100_000, 1_280, "cosine"), Task(300, 100, "cosine")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic set of 500 rows; some libraries take 64 dimensions at least."""
    cache = tmp_path_factory.mktemp("cache")
    return prepare("synthetic", Places(cache), Size(rows=500, queries=40, dimension=64))


def flat(folder: Path) -> Contender:
    dataset = load(folder)
    found = contenders(Task(len(dataset.rows), dataset.rows.shape[1], dataset.metric))
    return next(each for each in found if each.label == FLAT)


class Half(Peer):
    """Finds every other neighbour, fails at effort 2."""

    def build(self, rows: Any, metric: str, threads: int) -> None:
        self.rows = rows

    def searcher(self, effort: Any, k: int) -> Any:
        if effort == 2:
            raise RuntimeError("no such effort")
        return lambda query: np.argsort(np.linalg.norm(self.rows - query, axis=1))[: 2 * k : 2]


HALF = Contender("half", "half", Half, "none", "json", (0, 2))


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_grids_are_fixed(task: Task) -> None:
    """The same list for the same task, every label once, ours first, efforts in every entry."""
    found = contenders(task)
    assert found == contenders(task)
    labels = [each.label for each in found]
    assert len(set(labels)) == len(labels)
    assert labels[0].startswith("mitame")
    assert all(each.efforts for each in found)
    families = {each.family for each in found}
    assert {"faiss", "hnswlib", "usearch", "annoy", "ngt", "rabitqlib", "scann"} < families
    quick = contenders(task, quick=True)
    assert sorted(each.family for each in quick) == sorted(families)
    assert all("faiss" in each.label for each in contenders(task, ["faiss"]))


def test_a_missing_library_is_no_contender() -> None:
    """It says that it is not there, and that it has no version."""
    missing = Contender("x", "x", Half, "no-such-package", "no_such_module", (0,))
    assert not missing.available
    assert missing.version == ""


def test_partitions_are_never_larger_than_the_rows_allow() -> None:
    """A multiple of the root, but at most one partition per four rows."""
    assert roots(10_000, 4) == 400
    assert roots(16, 4) == 4
    assert roots(1, 4) == 1


@pytest.mark.parametrize(
    "each", contenders(Task(500, 64, "cosine")), ids=lambda contender: contender.label
)
def test_every_library_that_is_here_finds_the_neighbours(folder: Path, each: Contender) -> None:
    """At its highest effort; single calls and the batch find the same rows."""
    if not each.available:
        pytest.skip(f"{each.package} is not installed")
    dataset = load(folder)
    peer = each.peer(each.settings)
    peer.build(dataset.rows, dataset.metric, 1)
    ask = peer.searcher(each.efforts[-1], 10)
    found = [peer.ids(ask(query)) for query in peer.prepared(dataset.queries)]
    away = np.array(
        [
            np.linalg.norm(dataset.rows[i] - q, axis=1)
            for i, q in zip(found, dataset.queries, strict=True)
        ]
    )
    assert np.mean(away <= dataset.truth[:, 9:10] * 1.001) > 0.9
    assert peer.batch(dataset.queries, 10, each.efforts[-1], 2) is not None
    peer.close()


def test_a_worker_measures_and_times(folder: Path) -> None:
    """In this process: recall with both rules, as many queries as there are, errors as answers."""
    worker = Worker(load(folder), HALF, 10)
    built = worker.build(1)
    assert built["memory"] >= 0
    found = worker.measure(0, 60)
    assert found["recall"] == pytest.approx(0.5, abs=0.05)
    assert found["strict"] <= found["recall"]
    assert found["queries"] == 40
    assert worker.time(0, 60)["queries"] == 40
    assert worker.time(0, 0)["queries"] == 2  # a twentieth, then the time is over
    assert worker.batch(0, 0)["queries"] == 40
    assert answered(worker, '{"do": "time", "effort": 2, "seconds": 1}') == {
        "error": "RuntimeError: no such effort"
    }


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can't be chosen here")
def test_a_process_of_its_own(folder: Path, tmp_path: Path) -> None:
    """It builds and answers; an error or its end is a `Failed`, and so is one that is too slow."""
    core = max(os.sched_getaffinity(0))
    with Entrant(folder, flat(folder), core, 10, tmp_path) as entrant:
        assert entrant.ask("build", threads=2)["cpu"] >= 0
        assert entrant.ask("measure", effort=1.0, seconds=9)["recall"] == 1
        assert entrant.ask("batch", effort=1.0, seconds=0)["cores"] >= 1
        with pytest.raises(Failed, match="KeyError"):
            entrant.ask("dance")
        with pytest.raises(Failed, match="was ended"):
            entrant.ask("time", effort=1.0, seconds=60, limit=0)
        with pytest.raises(Failed, match="was ended"):
            entrant.ask("time", effort=1.0, seconds=1)


def test_only_efforts_that_matter_are_timed() -> None:
    """Those near a target recall; where none is, the best."""
    recalls = [0.2, 0.86, 0.99]
    assert worth([{"recall": value} for value in recalls]) == [1, 2]
    assert worth([{"recall": value} for value in (0.1, 0.3, 0.2)]) == [1]
    assert worth([]) == []


def test_a_run_gives_rows_tables_and_a_list_of_what_is_missing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Build, point and batch rows of what ran; one that failed is noted, and the rest goes on."""
    monkeypatch.chdir(Path(__file__).parents[2])
    rows: list[dict[str, Any]] = []
    absent = Contender("faiss none", "faiss", Half, "no-such-package", "no_such_module", (0,))
    broken = Contender("no label of the worker's", "x", Half, "none", "json", (0,))
    found = [flat(folder), absent, broken]
    monkeypatch.setattr("benchmarks.engines.__main__.contenders", lambda *_, **__: found)
    options = arguments().parse_args(["--rounds", "2"])
    rules = Rules(rounds=2, seconds=0.05)
    measured(folder, options, rules, rows.append, tmp_path)
    kinds = [row["kind"] for row in rows]
    assert sorted(set(kinds)) == ["batch", "build", "failed", "missing", "point", "set"]
    point = rows[kinds.index("point")]
    assert point["recall"] >= ENOUGH
    assert len(point["rounds"]) == 2
    assert all(row["set"] == folder.name for row in rows)
    text = report.text(rows)
    assert f"| {FLAT} |" in text
    assert "Not installed: faiss none" in text
    assert "Failed: no label of the worker's" in text


def test_short_memory_makes_another_heat(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every contender runs once, the anchor in each heat beside the others."""
    built: list[str] = []

    class Fake:
        def __init__(self, _: Path, contender: Contender, *__: Any) -> None:
            self.contender = contender

        def ask(self, do: str, **_: Any) -> dict[str, Any]:
            if do == "build":
                built.append(self.contender.label)
            figures = {"cpu": 1.0, "wall": 1.0, "memory": 1.0, "queries": 10, "cores": 2}
            return {**figures, "recall": 1.0, "strict": 1.0}

        def close(self) -> None:
            built.append(f"end {self.contender.label}")

    monkeypatch.setattr(race, "Entrant", Fake)
    monkeypatch.setattr(race, "available", lambda: 0.0)
    names = ["mitame cascade", "b", "c"]
    three = [Contender(name, name, Half, "none", "json", (0, 1)) for name in names]
    rows: list[dict[str, Any]] = []
    race.run(folder, three, Rules(rounds=1), rows.append, tmp_path)
    starts = [label for label in built if not label.startswith("end")]
    assert starts == ["mitame cascade", "b", "mitame cascade", "c"]
    heats = [(row["label"], row["heat"]) for row in rows if row["kind"] == "point"]
    assert heats == [("mitame cascade", 0), ("b", 0), ("mitame cascade", 1), ("c", 1)]
    assert len(built) == 2 * len(starts)


def test_memory_of_this_process_grows_with_what_it_takes() -> None:
    """40 MB more are seen, and the machine has some left."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("only Linux says it")
    before = used().own
    block = np.ones(5_000_000)
    assert used().own - before > 30
    assert block.sum() == 5_000_000
    assert available() > 0


def test_growth_is_a_ratio_per_size() -> None:
    """Twice the cost at ten times the rows is 2.00; a recall that is not reached is a dash."""
    found: list[dict[str, Any]] = [
        {"rows": 10, "rate": 1e6},
        {"rows": 100, "rate": 5e5},
        {"rows": 1_000, "rate": None},
    ]
    lines = growth.table(found, 0.95).splitlines()
    assert lines[-3:] == ["| 10 | 1.0 | - |", "| 100 | 2.0 | 2.00 |", "| 1,000 | - | - |"]
