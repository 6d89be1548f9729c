"""How the cost of a query grows with the rows, at one recall.

    python -m benchmarks.engines.growth --engine "mitame cascade" --sizes 10000,100000,1000000

The same kind of data at every size (the smaller set is the beginning of the larger), all sizes
timed in turns. Of an engine's builds the cheapest at the recall counts, at each size by itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engines import data, report
from benchmarks.engines.__main__ import add_places
from benchmarks.engines.dataset import load
from benchmarks.engines.entrant import Entrant, Failed
from benchmarks.engines.peers.catalog import contenders
from benchmarks.engines.peers.peer import Task
from benchmarks.engines.race import ENOUGH, FLOOR, Row, worth
from benchmarks.engines.recall import Point, rate_at


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_places(parser)
    parser.add_argument("--engine", default="mitame cascade", help="a word in the labels")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--build-threads", type=int, default=1)
    parser.add_argument("--core", type=int)
    parser.add_argument("--out", type=Path, default=Path("bench-out/growth.json"))
    options = parser.parse_args()
    with ExitStack() as stack:
        runs = [_run(stack, int(size), options) for size in options.sizes.split(",")]
        for _ in range(options.rounds):
            for each in runs:
                each.round(options.seconds)
    found = [each.result(options.recall) for each in runs]
    print(table(found, options.recall))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@dataclass
class _Build:
    entrant: Entrant
    figures: Row
    points: list[Row]


@dataclass
class _Run:
    """Every build of the engine at one size, each in a process of its own."""

    rows: int
    builds: list[_Build]

    def round(self, seconds: float) -> None:
        for build in self.builds:
            for point in build.points:
                timed = build.entrant.ask("time", effort=point["effort"], seconds=seconds)
                point["rounds"].append(timed)

    def result(self, recall: float) -> Row:
        rates = [
            rate_at([Point(point["recall"], report.rate(point)) for point in build.points], recall)
            for build in self.builds
        ]
        builds = [
            {"label": each.entrant.contender.label, "build": each.figures, "points": each.points}
            for each in self.builds
        ]
        best = max((rate for rate in rates if rate is not None), default=None)
        return {"rows": self.rows, "rate": best, "builds": builds}


def _run(stack: ExitStack, size: int, options: argparse.Namespace) -> _Run:
    places = data.Places(options.cache)
    folder = data.prepare("synthetic", places, data.Size(size, options.queries, options.dimension))
    dataset = load(folder)
    task = Task(len(dataset.rows), dataset.rows.shape[1], dataset.metric)
    logs = options.out.parent / "logs"
    builds = []
    for contender in contenders(task, [options.engine]):
        print(f"{folder.name}: {contender.label}", flush=True)
        entrant = stack.enter_context(
            Entrant(folder, contender, options.core, 10, logs / str(size))
        )
        try:
            figures = entrant.ask("build", threads=options.build_threads, limit=7_200.0)
            points = _recalls(entrant, contender.efforts)
        except Failed as error:
            print(f"failed: {error}", flush=True)
            continue
        kept = worth(points, min(FLOOR, options.recall))
        builds.append(_Build(entrant, figures, [points[number] for number in kept]))
    return _Run(size, builds)


def _recalls(entrant: Entrant, efforts: Sequence[Any]) -> list[Row]:
    points: list[Row] = []
    for effort in efforts:
        found = entrant.ask("measure", effort=effort, seconds=60.0)
        points.append({"effort": effort, "recall": found["recall"], "rounds": []})
        if found["recall"] >= ENOUGH:
            break
    return points


def table(found: Sequence[Mapping[str, Any]], recall: float) -> str:
    """A line per size: microseconds of CPU per query, and how many times the size before."""
    lines = [f"| rows | CPU us per query @{recall:g} | times the size before |\n|---|---|---|"]
    before: float | None = None
    for row in found:
        cost = 1e6 / row["rate"] if row["rate"] else None
        times = f"{cost / before:.2f}" if cost and before else "-"
        lines.append(f"| {row['rows']:,} | {f'{cost:,.1f}' if cost else '-'} | {times} |")
        before = cost
    return "\n".join(lines)


if __name__ == "__main__":
    main()
