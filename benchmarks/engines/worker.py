"""One engine in a process of its own: builds, measures, times; told what to do line by line.

    python -m benchmarks.engines.worker SET LABEL --core 1

Each line of standard input is a JSON object with ``do`` and its arguments; each gets one line of
JSON back. Everything that a library prints goes to standard error. The process is bound to one
core until a batch is asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.dataset import Dataset, load
from benchmarks.engines.memory import used
from benchmarks.engines.peers.catalog import contenders
from benchmarks.engines.peers.peer import Contender, Peer, Task
from benchmarks.engines.recall import STRICT, distances, recall

_WARM_UP = 20


class Worker:
    """An engine over a set.

    Args:
        dataset: rows, queries, truth.
        contender: what to build.
        k: neighbours asked for.
    """

    def __init__(self, dataset: Dataset, contender: Contender, k: int) -> None:
        self._set = dataset
        self._contender = contender
        self._k = k
        self._peer: Peer = contender.peer(contender.settings)
        self._queries: Sequence[Any] = ()

    def close(self) -> None:
        """Remove what the library wrote."""
        self._peer.close()

    def build(self, threads: int) -> dict[str, Any]:
        """Build the index; seconds and the growth of memory in MB."""
        before = used()
        wall, cpu = time.perf_counter(), time.process_time()
        with every_core() if threads > 1 else nullcontext():
            self._peer.build(self._set.rows, self._set.metric, threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        after = used()
        self._queries = self._peer.prepared(self._set.queries)
        return {
            "wall": wall,
            "cpu": cpu,
            "memory": max(0.0, after.own - before.own),
            "resident": asdict(after),
        }

    def measure(self, effort: Any, seconds: float) -> dict[str, Any]:
        """Recall at an effort: over all queries, or as many as fit in a time."""
        answers, wall, cpu = self._asked(effort, seconds)
        ids = self._rows_of(answers)
        asked = self._set.queries[: len(ids)]
        found = distances(self._set.rows, asked, ids)
        truth = self._set.truth[: len(ids)]
        return {
            "recall": recall(truth, found, self._k),
            "strict": recall(truth, found, self._k, STRICT),
            "queries": len(ids),
            "wall": wall,
            "cpu": cpu,
        }

    def time(self, effort: Any, seconds: float) -> dict[str, Any]:
        """Seconds for all queries, or for as many as fit in a time."""
        ask = self._peer.searcher(effort, self._k)
        for query in self._queries[:_WARM_UP]:
            ask(query)
        answers, wall, cpu = self._asked(effort, seconds)
        return {"queries": len(answers), "wall": wall, "cpu": cpu}

    def batch(self, effort: Any, seconds: float) -> dict[str, Any]:
        """Seconds for all queries in one call on all cores, again and again for a time."""
        calls = 0
        with every_core() as cores:
            self._peer.batch(self._set.queries, self._k, effort, cores)  # starts its threads
            wall, cpu = time.perf_counter(), time.process_time()
            while not calls or time.perf_counter() - wall < seconds:
                self._peer.batch(self._set.queries, self._k, effort, cores)
                calls += 1
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"queries": calls * len(self._set.queries), "wall": wall, "cpu": cpu, "cores": cores}

    def _asked(self, effort: Any, seconds: float) -> tuple[list[Any], float, float]:
        """Answers in the library's form, wall and CPU seconds; one query per call."""
        ask = self._peer.searcher(effort, self._k)
        step = max(1, len(self._queries) // 20)  # the clock is looked at twenty times
        answers: list[Any] = []
        wall, cpu = time.perf_counter(), time.process_time()
        for start in range(0, len(self._queries), step):
            answers.extend([ask(query) for query in self._queries[start : start + step]])
            if time.perf_counter() - wall > seconds:
                break
        return answers, time.perf_counter() - wall, time.process_time() - cpu

    def _rows_of(self, answers: Sequence[Any]) -> NDArray[np.int64]:
        """int64[q, k], -1 where there are fewer."""
        ids = np.full((len(answers), self._k), -1, np.int64)
        for line, answer in zip(ids, answers, strict=True):
            found = self._peer.ids(answer)[: self._k]
            line[: len(found)] = found
        return ids


@contextmanager
def every_core() -> Iterator[int]:
    """Lets every thread of this process use every core, and binds them again afterwards."""
    before = _cores()
    _bind(range(os.cpu_count() or 1))
    try:
        yield len(_cores())
    finally:
        _bind(before)


def _cores() -> list[int]:
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


def _bind(cores: Sequence[int]) -> None:
    """Threads that are there keep their own binding otherwise: each is bound by its number."""
    if not hasattr(os, "sched_setaffinity"):
        return
    tasks = Path("/proc/self/task")
    for task in tasks.iterdir() if tasks.is_dir() else ():
        try:
            os.sched_setaffinity(int(task.name), cores)
        except ProcessLookupError:
            continue  # it has ended meanwhile


def answered(worker: Worker, line: str) -> Mapping[str, Any]:
    """What a line of input asks for; an error as an answer, so that the others can go on."""
    words = json.loads(line)
    verbs: dict[str, Callable[..., dict[str, Any]]] = {
        "build": worker.build,
        "measure": worker.measure,
        "time": worker.time,
        "batch": worker.batch,
    }
    try:
        return verbs[words.pop("do")](**words)
    except Exception as error:  # a library's own, of any kind
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("label")
    parser.add_argument("--core", type=int)
    parser.add_argument("--k", type=int, default=10)
    options = parser.parse_args()
    # Libraries print to standard output, too: it becomes standard error, ours is a copy of it.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if options.core is not None:
        _bind([options.core])
    dataset = load(options.folder)
    task = Task(len(dataset.rows), dataset.rows.shape[1], dataset.metric, options.k)
    named = {each.label: each for each in contenders(task)}
    worker = Worker(dataset, named[options.label], options.k)
    for line in sys.stdin:
        print(json.dumps(answered(worker, line)), file=answers, flush=True)
    worker.close()


if __name__ == "__main__":
    main()
