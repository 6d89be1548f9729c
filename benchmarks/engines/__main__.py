"""Measure engines on sets of vectors; rows, tables and plots go to a folder.

    python -m benchmarks.engines --data FOLDER --sets fashion,cnn,glove

Rules: see race.py (order of things), recall.py (ties, interpolation) and peers/ (grids, fixed
before the run). One core, one query per call from Python, CPU time beside wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.engines import data, report
from benchmarks.engines.dataset import Missing, load
from benchmarks.engines.peers.catalog import contenders
from benchmarks.engines.peers.peer import Contender, Task
from benchmarks.engines.race import Rules, rules_row, run


def main() -> None:
    """Entry point."""
    options = arguments().parse_args()
    out = options.out or Path("bench-out/engines") / time.strftime("%Y%m%d-%H%M%S")
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    rules = _rules(options)

    def note(row: dict[str, Any]) -> None:
        with file.open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(row) + "\n")

    note(_machine())
    note(rules_row(rules))
    for name in options.sets.split(","):
        try:
            folder = data.prepare(name, _places(options), _size(options))
        except Missing as error:
            print(f"left out: {error}")
            continue
        measured(folder, options, rules, note, out)
    print(report.write(file))
    print(f"rows, tables and plots: {out}")


def measured(
    folder: Path,
    options: argparse.Namespace,
    rules: Rules,
    note: Callable[[dict[str, Any]], None],
    out: Path,
) -> None:
    """One set, all contenders."""
    dataset = load(folder)
    task = Task(len(dataset.rows), dataset.rows.shape[1], dataset.metric, rules.k)
    about = {"rows": task.rows, "dimension": task.dimension, "metric": task.metric}
    kept = {"set": folder.name}

    def of_set(row: dict[str, Any]) -> None:
        note({**row, **kept})

    of_set({"kind": "set", **about, "queries": len(dataset.queries), "k": rules.k})
    words = [word for word in options.engines.split(",") if word]
    found = contenders(task, words, quick=options.quick)
    here = [each for each in found if each.available]
    for each in found:
        if each not in here:
            of_set({"kind": "missing", "label": each.label, "package": each.package})
    print(f"{folder.name}: {len(here)} builds; not installed: {_names(found, here)}", flush=True)
    run(folder, here, rules, of_set, out / "logs")


def _names(found: list[Contender], here: list[Contender]) -> str:
    return ", ".join(sorted({each.package for each in found if each not in here})) or "none"


def arguments() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    add_places(parser)
    parser.add_argument(
        "--sets", default="fashion,cnn,glove,synthetic", help="see data.py; with commas"
    )
    parser.add_argument("--engines", default="", help="words in labels, with commas; all if empty")
    parser.add_argument("--rows", type=int, default=0, help="at most so many rows; 0 for all")
    parser.add_argument("--dimension", type=int, default=256, help="of the synthetic set")
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="at most, per timing")
    parser.add_argument("--build-threads", type=int, default=1)
    parser.add_argument("--core", type=int, default=_last_core(), help="that queries run on")
    parser.add_argument("--no-batches", action="store_true")
    parser.add_argument("--out", type=Path, help="folder; a new one under bench-out/engines")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"one build of each family, {data.QUICK_ROWS:,} rows, {data.QUICK_QUERIES} queries",
    )
    return parser


def add_places(parser: argparse.ArgumentParser) -> None:
    """Where data is: options that the commands of this package share."""
    parser.add_argument("--cache", type=Path, default=Path("bench-out/data"))
    parser.add_argument("--data", type=Path, help="folder with fashion-mnist/")
    parser.add_argument("--cnn", type=Path, help="file of benchmarks.engines.cnn")
    parser.add_argument("--glove", type=Path, help="archive of the npm package")


def _places(options: argparse.Namespace) -> data.Places:
    return data.Places(options.cache, options.data, options.cnn, options.glove)


def _size(options: argparse.Namespace) -> data.Size:
    if options.quick:
        return data.Size(data.QUICK_ROWS, data.QUICK_QUERIES, options.dimension)
    return data.Size(options.rows, options.queries, options.dimension)


def _rules(options: argparse.Namespace) -> Rules:
    return Rules(
        k=options.k,
        rounds=2 if options.quick else options.rounds,
        seconds=0.3 if options.quick else options.seconds,
        measuring=2.0 if options.quick else 60.0,
        threads=options.build_threads,
        core=options.core,
        batches=not options.no_batches,
    )


def _last_core() -> int | None:
    """The core that the system itself uses least, by custom; None where none can be chosen."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _machine() -> dict[str, Any]:
    name = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return {
        "kind": "machine",
        "cpu": name,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }


if __name__ == "__main__":
    main()
