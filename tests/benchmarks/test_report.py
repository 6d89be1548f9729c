"""Rows to tables and a plot: rates are medians by CPU time, the best is marked."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.engines import report

SET = {"set": "pictures"}


def point(label: str, recall: float, *rates: float) -> dict[str, Any]:
    rounds = [{"queries": 100, "cpu": 100 / rate, "wall": 200 / rate, "cores": 2} for rate in rates]
    return {"kind": "point", "label": label, "recall": recall, "rounds": rounds, **SET}


def build(label: str, family: str, cpu: float, memory: float) -> dict[str, Any]:
    return {"kind": "build", "label": label, "family": family, "cpu": cpu, "memory": memory, **SET}


ROWS: list[dict[str, Any]] = [
    {"kind": "machine", "cpu": "a processor", "cores": 2, "python": "3.11", "when": "today"},
    {
        "kind": "set",
        "rows": 1_000,
        "dimension": 8,
        "metric": "cosine",
        "queries": 100,
        "k": 10,
        **SET,
    },
    build("mitame cascade", "mitame cascade", 2, 10),
    build("faiss A", "faiss", 10, 40),
    build("faiss B", "faiss", 20, 80),
    point("mitame cascade", 0.9999, 6_000, 5_000, 9_000),
    point("faiss A", 0.96, 4_000),
    point("faiss B", 0.9999, 2_000),
    {**point("faiss A", 0.96, 4_000), "kind": "batch"},
    {"kind": "missing", "label": "scann 10", **SET},
]


def test_a_rate_is_the_median_of_the_rounds() -> None:
    """By either clock; one noisy round changes nothing."""
    assert report.rate(ROWS[5]) == pytest.approx(6_000)
    assert report.rate(ROWS[5], "wall") == pytest.approx(3_000)


def test_heats_of_one_effort_count_together() -> None:
    """An engine that runs in every heat gains nothing by the luckiest of them."""
    row = point("mitame cascade", 0.9999, 7_000)
    (only,) = report.points([ROWS[5], row])["mitame cascade"]
    assert only.rate == pytest.approx(6_500)


def test_tables() -> None:
    """Per build, per library, costs beside the quickest library, batches, what is missing."""
    text = report.text(ROWS)
    cells = "| **6** | **6** | **6** | **6** | **6** |"
    assert f"| mitame cascade | 2.0 | 10 {cells}" in text
    assert "| faiss A | 10.0 | 40 | 4 | 4 | - | - | - |" in text
    assert "| faiss | 4 | 4 | 2 | 2 | 2 |" in text
    assert "| mitame cascade / best library | 1.50 | 1.50 | 3.00 | 3.00 | 3.00 |" in text
    assert "| 0.9 | mitame cascade / faiss A | 1.50 | 0.20 | 0.25 |" in text
    assert "| 0.999 | mitame cascade / faiss B | 3.00 | 0.10 | 0.12 |" in text
    assert "| faiss A | 0.9600 | 2,000 |" in text
    assert "- Not installed: scann 10" in text
    assert "pictures: 1,000 x 8, cosine, 100 queries, recall@10" in text


def test_without_ours_there_is_no_ratio() -> None:
    """Libraries alone are a table, too."""
    text = report.text([row for row in ROWS if "mitame" not in row.get("label", "")])
    assert "best library" not in text
    assert "| faiss B | 20.0 | 80 | 2 |" in text.replace("**", "")


def test_a_run_is_written_beside_its_rows(tmp_path: Path) -> None:
    """The tables, and a plot where matplotlib is installed."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert report.write(file) == (tmp_path / "tables.md").read_text()
    plot = tmp_path / "pictures.png"
    if find_spec("matplotlib") is None:
        assert not plot.exists()
    else:
        with Image.open(plot) as image:
            assert image.width > 500
