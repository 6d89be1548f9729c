"""Readers, a writer and merges at once: do queries ever fail, mix or slow down?

Four reader processes query while one writes and another merges every few seconds. Each reader
checks what it gets: no item that was removed and acknowledged before the query began, no item
twice, one generation and position per answer. Its queries are timed apart, by whether a merge was
under way.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scale import filled, put, spec
from mitame.collection import Lens, Put, Remove, create, open_store
from mitame.search import Query, search

SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--rest", type=float, default=3.0, help="seconds between merges")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between queries")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "data" / "mixed"
        with create(path, [Lens("look", spec(options.dim))]) as store:
            filled(store, options.rows, options.dim)
            store.merge()
        report(run(path, options), options)


def run(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All processes for the given time; their counts."""
    merging = SPAWN.Value("b", 0)
    removed = SPAWN.Value("q", 0)
    end = time.time() + options.seconds
    results = SPAWN.Queue()
    shared = (path, end, options, merging, removed, results)
    processes = [SPAWN.Process(target=read, args=(*shared, n)) for n in range(options.readers)]
    processes += [
        SPAWN.Process(target=write, args=shared),
        SPAWN.Process(target=merge, args=shared),
    ]
    for process in processes:
        process.start()
    rows = [results.get(timeout=options.seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    total: dict[str, Any] = {"during": [], "between": []}
    for row in rows:
        for key, value in row.items():
            total[key] = total[key] + value if key in total else value
    return total


def read(
    path: Path,
    end: float,
    options: argparse.Namespace,
    merging: Synchronized[int],
    removed: Synchronized[int],
    results: Any,
    number: int,
) -> None:
    """Query until the end; count what is wrong."""
    rng = np.random.default_rng(number)
    wrong, failed, generations = 0, 0, set()
    times: dict[str, list[float]] = {"during": [], "between": []}
    with open_store(path) as store:
        while time.time() < end:
            gone = removed.value
            when = "during" if merging.value else "between"
            query = Query("look", rng.standard_normal((1, options.dim), dtype=np.float32))
            began = time.perf_counter()
            try:
                with store.pin() as view:
                    answer = search(view, query)
                    before, after = view.generation, view.position
                    again = search(view, query)
            except Exception as error:
                failed += 1
                print(f"reader {number}: {type(error).__name__}: {error}")
                continue
            spent = (time.perf_counter() - began) * 1e3
            if when == ("during" if merging.value else "between"):
                times[when].append(spent)
            generations.add(before)
            ids = [each.id for each in answer.neighbors]
            wrong += len(ids) != len(set(ids)) or len(ids) != query.limit
            wrong += answer.position != after or [each.id for each in again.neighbors] != ids
            wrong += any(id_ in _removed_ids(gone) for id_ in ids)
            time.sleep(options.pause)
    results.put(
        {"queries": len(times["during"]) + len(times["between"]), "wrong": wrong, "failed": failed}
        | {"seen": len(generations), **times}
    )


def _removed_ids(count: int) -> frozenset[str]:
    """The writer removes item-0, item-1, ... in order and never brings them back."""
    return frozenset(f"item-{n}" for n in range(max(0, count - 2_000), count))


def write(
    path: Path,
    end: float,
    options: argparse.Namespace,
    _merging: Synchronized[int],
    removed: Synchronized[int],
    results: Any,
) -> None:
    """Add, replace and remove, about 50 times a second."""
    rng = np.random.default_rng(99)
    writes = 0
    with open_store(path) as store:
        while time.time() < end and removed.value < options.rows // 2:
            vector = rng.standard_normal(options.dim, dtype=np.float32)
            fresh = put(options.rows + writes, vector)
            other = put(options.rows // 2 + int(rng.integers(options.rows // 2)), vector)
            changes: list[Put | Remove] = [fresh, other, Remove(f"item-{removed.value}")]
            for change in changes:
                store.append([change])
                writes += 1
            removed.value += 1
            time.sleep(0.05)
    results.put({"writes": writes})


def merge(
    path: Path,
    end: float,
    options: argparse.Namespace,
    merging: Synchronized[int],
    _removed: Synchronized[int],
    results: Any,
) -> None:
    """A merge and a switch every few seconds, at low priority."""
    os.nice(10)
    merges = 0
    with open_store(path) as store:
        while time.time() < end:
            merging.value = 1
            store.merge()
            merging.value = 0
            merges += 1
            time.sleep(options.rest)
    results.put({"merges": merges})


def report(total: dict[str, Any], options: argparse.Namespace) -> None:
    """Counts, and the 99th percentiles."""
    counts = {key: total[key] for key in ("queries", "wrong", "failed", "writes", "merges")}
    print(json.dumps(counts))
    p99 = {key: float(np.percentile(total[key], 99)) for key in ("during", "between") if total[key]}
    middle = {key: float(np.median(total[key])) for key in ("during", "between") if total[key]}
    print(f"two queries, ms: p50 {middle}, p99 {p99}")
    if len(p99) == 2:
        print(f"p99 during a merge is {p99['during'] / p99['between']:.2f} of p99 without one")
    print(f"{options.readers} readers, 1 writer, 1 merger on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
