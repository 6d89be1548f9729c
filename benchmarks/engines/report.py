"""Rows of a run as tables and a plot; can be made again from its file.

python -m benchmarks.engines.report bench-out/engines/RUN/rows.jsonl
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engines.plot import draw
from benchmarks.engines.recall import TARGETS, Point, rate_at

Row = Mapping[str, Any]
OURS = "mitame"


def read(file: Path) -> list[dict[str, Any]]:
    """The rows of a run."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def rate(row: Row, clock: str = "cpu") -> float:
    """Queries per second: the median of the rounds, each with its own seconds by that clock."""
    rates = [each["queries"] / max(each[clock], 1e-9) for each in row["rounds"]]
    return float(statistics.median(rates))


def points(rows: Iterable[Row]) -> dict[str, list[Point]]:
    """The points of each label; the rounds of one effort in several heats count together."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["kind"] == "point":
            key = row["label"], json.dumps(row.get("effort"))
            known = merged.setdefault(key, {**row, "rounds": []})
            known["rounds"] = [*known["rounds"], *row["rounds"]]
    found: dict[str, list[Point]] = {}
    for (label, _), row in merged.items():
        found.setdefault(label, []).append(Point(row["recall"], rate(row)))
    return found


def text(rows: Sequence[Row]) -> str:
    """Everything of a run as Markdown: per set a table of builds, of families, of batches."""
    parts = []
    for row in rows:
        if row["kind"] == "machine":
            parts.append(
                f"{row['cpu']}, {row['cores']} cores; Python {row['python']}; {row['when']}"
            )
    for name in dict.fromkeys(row["set"] for row in rows if "set" in row):
        of_set = [row for row in rows if row.get("set") == name]
        parts.append(f"## {_title(name, of_set)}")
        parts += [table(of_set) for table in (builds, families, costs, batches, absent)]
    parts.append("Rates are thousands of queries per CPU second, one core, one query per call.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(name: str, rows: Sequence[Row]) -> str:
    for row in rows:
        if row["kind"] == "set":
            size = f"{row['rows']:,} x {row['dimension']}, {row['metric']}"
            return f"{name}: {size}, {row['queries']:,} queries, recall@{row['k']}"
    return name


def builds(rows: Sequence[Row]) -> str:
    """A line per build: CPU seconds, MB, thousands of queries per CPU second at each recall."""
    curves = points(rows)
    lines = [_header("engine", "build CPU s", "MB")]
    best = {target: _best(curves, target) for target in TARGETS}
    order = sorted(curves, key=lambda label: -(rate_at(curves[label], TARGETS[1]) or 0.0))
    made = {row["label"]: row for row in rows if row["kind"] == "build"}
    for label in order:
        if label not in made:
            continue
        row = made[label]
        figures = [f"{row['cpu']:,.1f}", f"{row['memory']:,.0f}"]
        rates = {target: rate_at(curves[label], target) or 0.0 for target in TARGETS}
        lines.append(_cells(label, figures, rates, best))
    return "\n".join(lines)


def families(rows: Sequence[Row]) -> str:
    """A line per library, the best of its builds at each recall; ours beside the best other one."""
    curves = points(rows)
    of = {row["label"]: row["family"] for row in rows if row["kind"] == "build"}
    grouped: dict[str, dict[str, list[Point]]] = {}
    for label, curve in curves.items():
        grouped.setdefault(of[label], {})[label] = curve
    lines = [_header("best of each")]
    best = {target: _best(curves, target) for target in TARGETS}
    order = sorted(grouped, key=lambda family: -_best(grouped[family], TARGETS[1]))
    for family in order:
        lines.append(_cells(family, [], {t: _best(grouped[family], t) for t in TARGETS}, best))
    others = {label: curve for label, curve in curves.items() if not label.startswith(OURS)}
    for family in order:
        if family.startswith(OURS) and others:
            ratios = [_ratio(_best(grouped[family], t), _best(others, t)) for t in TARGETS]
            lines.append(f"| {family} / best library | {' | '.join(ratios)} |")
    return "\n".join(lines)


def costs(rows: Sequence[Row]) -> str:
    """At each recall, what our quickest build costs beside the quickest library's."""
    curves = points(rows)
    made = {row["label"]: row for row in rows if row["kind"] == "build"}
    lines = ["| recall | quickest of ours / of the libraries | rate | build CPU s | MB |"]
    lines.append("|---|---|---|---|---|")
    for target in TARGETS:
        mine = _quickest(curves, target, ours=True)
        other = _quickest(curves, target, ours=False)
        if mine is None or other is None:
            continue
        rates = rate_at(curves[mine], target) or 0.0, rate_at(curves[other], target) or 0.0
        cells = [f"{target:g}", f"{mine} / {other}", _ratio(*rates)]
        cells += [_ratio(made[mine][key], made[other][key]) for key in ("cpu", "memory")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def _quickest(curves: Mapping[str, Sequence[Point]], target: float, *, ours: bool) -> str | None:
    rates = {
        label: found
        for label, curve in curves.items()
        if label.startswith(OURS) == ours and (found := rate_at(curve, target))
    }
    return max(rates, key=rates.__getitem__) if rates else None


def _ratio(mine: float, other: float) -> str:
    return f"{mine / other:.2f}" if mine and other else "-"


def _best(curves: Mapping[str, Sequence[Point]], target: float) -> float:
    return max((rate_at(found, target) or 0.0 for found in curves.values()), default=0.0)


def _header(*words: str) -> str:
    cells = [*words, *(f"@{target:g}" for target in TARGETS)]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def _cells(
    label: str,
    figures: Sequence[str],
    rates: Mapping[float, float],
    best: Mapping[float, float],
) -> str:
    cells = [label, *figures]
    for target, found in rates.items():
        number = f"{found / 1e3:.3g}" if found else "-"
        cells.append(f"**{number}**" if found and found >= best[target] else number)
    return f"| {' | '.join(cells)} |"


def batches(rows: Sequence[Row]) -> str:
    """Queries per second of wall time, all in one call on all cores."""
    found = [row for row in rows if row["kind"] == "batch"]
    if not found:
        return ""
    cores = found[0]["rounds"][0]["cores"]
    lines = [f"| batches on {cores} cores | recall | queries/s (wall) |\n|---|---|---|"]
    for row in sorted(found, key=lambda each: -rate(each, "wall")):
        lines.append(f"| {row['label']} | {row['recall']:.4f} | {rate(row, 'wall'):,.0f} |")
    return "\n".join(lines)


def absent(rows: Sequence[Row]) -> str:
    """What was not measured, and why."""
    lines = [f"Not installed: {row['label']}" for row in rows if row["kind"] == "missing"]
    lines += [f"Failed: {row['label']}: {row['error']}" for row in rows if row["kind"] == "failed"]
    return "\n".join(f"- {line}" for line in lines)


def write(file: Path) -> str:
    """tables.md and a plot per set beside the rows; the text of the tables."""
    rows = read(file)
    tables = text(rows)
    (file.parent / "tables.md").write_text(tables, encoding="utf-8")
    for name in dict.fromkeys(row["set"] for row in rows if "set" in row):
        of_set = [row for row in rows if row.get("set") == name]
        curves = points(of_set)
        if curves:
            draw(curves, _title(name, of_set), file.parent / f"{name}.png")
    return tables


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
