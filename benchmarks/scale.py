"""A large collection: how fast it opens, how much memory it takes, how fast it is written.

Beside each figure stands its ceiling in the same run: the disk's own fsync beside a durable upsert,
and SQLite alone with the same bytes beside batch writes.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import Item, ItemImage, Lens, Put, Store, create, open_store
from mitame.embedders.protocol import EmbedderSpec

BATCH = 2_000
SINGLE = 300
SEED = 0


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(opened(Path(options.child))))
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        measure(Path(scratch), options.rows, options.dim)


def measure(scratch: Path, rows: int, dim: int) -> None:
    """Fill, merge, open, write; print a line for each."""
    path = scratch / "data" / "large"
    ceiling = sqlite_alone(scratch, min(rows, 100_000), dim)
    with create(path, [Lens("look", spec(dim))]) as store:
        rate = filled(store, rows, dim)
        print(f"{rows:,} x {dim}: batches of {BATCH:,}: {rate:,.0f} rows/s ", end="")
        print(f"(SQLite alone with the same bytes: {ceiling:,.0f} rows/s)")
        started = time.perf_counter()
        store.merge()
        print(f"merge: {time.perf_counter() - started:.1f} s")
    words = [sys.executable, "-m", "benchmarks.scale", "--child", str(path)]
    seen = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    print(
        f"open: {seen['open_ms']:.1f} ms, first pin {seen['pin_ms']:.1f} ms, private memory ",
        end="",
    )
    print(f"{seen['private_mb']:.0f} MB after opening, {seen['searched_mb']:.0f} MB after a search")
    print(f"first search {seen['first_ms']:.0f} ms, then {seen['search_ms']:.0f} ms")
    with open_store(path) as store:
        singles(store, scratch, dim)


def spec(dim: int) -> EmbedderSpec:
    """Vectors of one's own."""
    return EmbedderSpec(name="vectors", weights="", input_size=(0, 0), dimension=dim)


def blocks(rows: int, dim: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Seeded normalised vectors, a block at a time, with the number of the first."""
    rng = np.random.default_rng(SEED)
    for start in range(0, rows, BATCH):
        block = rng.standard_normal((min(BATCH, rows - start), dim), dtype=np.float32)
        yield start, block / np.linalg.norm(block, axis=1, keepdims=True)


def put(number: int, vector: NDArray[np.float32]) -> Put:
    """An item with a bare vector, a category and an attribute."""
    image = ItemImage(vectors={"look": vector})
    return Put(Item(f"item-{number}", f"c{number % 50}", {"price": number % 10_000}, (image,)))


def filled(store: Store, rows: int, dim: int) -> float:
    """Rows per second of batch appends; making the vectors and the puts is left out."""
    spent = 0.0
    for start, block in blocks(rows, dim):
        puts = [put(start + number, vector) for number, vector in enumerate(block)]
        began = time.perf_counter()
        store.append(puts)
        spent += time.perf_counter() - began
    return rows / spent


def sqlite_alone(scratch: Path, rows: int, dim: int) -> float:
    """Rows per second of SQLite with ids, attributes and vectors as blobs, as durable as ours."""
    connection = sqlite3.connect(scratch / "alone.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (id TEXT UNIQUE, category TEXT, a TEXT, v BLOB)")
    spent = 0.0
    for start, block in blocks(rows, dim):
        entries = [
            (f"item-{start + n}", f"c{n % 50}", f'{{"price":{n}}}', vector.tobytes())
            for n, vector in enumerate(block)
        ]
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", entries)
        connection.execute("COMMIT")
        spent += time.perf_counter() - began
    connection.close()
    return rows / spent


def opened(path: Path) -> dict[str, Any]:
    """What opening costs in a fresh process, before and after a first search."""
    from mitame.search import Query, search

    before = private_mb()
    began = time.perf_counter()
    store = open_store(path)
    open_ms = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    with store.pin() as view:
        pin_ms = (time.perf_counter() - began) * 1e3
        after = private_mb()
        dim = view.lenses["look"].spec.dimension
        query = Query("look", np.eye(1, dim, dtype=np.float32))
        times = []
        for _ in range(4):
            began = time.perf_counter()
            search(view, query)
            times.append((time.perf_counter() - began) * 1e3)
    searched = private_mb()
    store.close()
    return {
        "open_ms": open_ms,
        "pin_ms": pin_ms,
        "private_mb": after - before,
        "searched_mb": searched - before,
        "first_ms": times[0],
        "search_ms": min(times),
    }


def private_mb() -> float:
    """Memory of this process alone, in MB: what is mapped from files is not in it (Linux)."""
    fields = dict(
        line.split(":", 1)
        for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
        if ":" in line
    )
    return sum(int(fields[key].split()[0]) for key in ("Private_Dirty",)) / 1_024


def singles(store: Store, scratch: Path, dim: int) -> None:
    """Durable single upserts beside the disk's own fsync, in turns."""
    rng = np.random.default_rng(1)
    upserts, syncs = [], []
    with (scratch / "fsync").open("wb", buffering=0) as file:
        for number in range(SINGLE):
            vector = rng.standard_normal(dim, dtype=np.float32)
            began = time.perf_counter()
            store.append([put(number, vector)])
            upserts.append((time.perf_counter() - began) * 1e3)
            began = time.perf_counter()
            file.write(vector.tobytes())
            os.fsync(file.fileno())
            syncs.append((time.perf_counter() - began) * 1e3)
    for name, times in (("durable upsert", upserts), ("fsync alone", syncs)):
        middle, high = np.percentile(times, [50, 99])
        print(f"{name}: p50 {middle:.2f} ms, p99 {high:.2f} ms")


if __name__ == "__main__":
    main()
