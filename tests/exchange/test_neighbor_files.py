"""The list of every item in files: the same in each format, whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.errors import StorageError, UnknownLens, UsageError
from mitame.exchange.neighbors import write_neighbors
from mitame.search import Answer
from tests.conftest import Run

LIMIT = 5
Row = tuple[str, int, str, float, float, str | None]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    """Forty items with a table of ten neighbours each, then some changes."""
    rng = np.random.default_rng(4)
    with mitame.open(tmp_path / "data", lenses={"own": "vectors:8"}) as made:
        for n in range(40):
            made.add(f"i{n}", vector=rng.normal(size=8), category=f'k,"{n % 3}' if n % 2 else None)
        made.store.merge(neighbors=10)
        made.remove("i3")
        made.add("i4", vector=rng.normal(size=8))
        made.add("=new, one", vector=rng.normal(size=8))
        yield made


def answers(shop: mitame.Collection) -> dict[str, Answer]:
    """What a search by id says of every item."""
    return {item.id: shop.similar(item.id, limit=LIMIT) for item in shop.items()}


def expected(shop: mitame.Collection) -> list[Row]:
    """The rows that a file must have, in order."""
    return [
        (item_id, rank, each.id, each.distance, each.score, each.category)
        for item_id, answer in sorted(answers(shop).items())
        for rank, each in enumerate(answer.neighbors, 1)
    ]


def test_csv_has_what_searches_say(shop: mitame.Collection, tmp_path: Path) -> None:
    """Texts with quotes and commas too; numbers lose nothing."""
    file = tmp_path / "n.csv"
    report = write_neighbors(shop, file, limit=LIMIT)
    with file.open(newline="", encoding="utf-8") as lines:
        head, *rows = csv.reader(lines)
    assert head == ["item", "rank", "neighbor", "distance", "score", "category"]
    read = [(a, int(b), c, float(d), float(e), f or None) for a, b, c, d, e, f in rows]
    assert read == expected(shop)
    assert (report.items, report.neighbors, report.exact) == (40, 40 * LIMIT, True)
    assert 2 <= report.searched < 40
    assert report.target == str(file)


def test_json_lines_have_an_object_per_item(shop: mitame.Collection, tmp_path: Path) -> None:
    """With the list of its neighbours."""
    file = tmp_path / "n.jsonl"
    write_neighbors(shop, str(file), limit=LIMIT)
    read: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    rows = [
        (each["item"], rank, *one.values())
        for each in read
        for rank, one in enumerate(each["neighbors"], 1)
    ]
    assert rows == expected(shop)


def test_parquet_has_typed_columns(shop: mitame.Collection, tmp_path: Path) -> None:
    """Also of no items at all."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    file = tmp_path / "n.parquet"
    write_neighbors(shop, file, limit=LIMIT)
    table = parquet.read_table(file)
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == expected(
        shop
    )
    kinds = [str(field.type) for field in table.schema]
    assert kinds == ["string", "int32", "string", "double", "double", "string"]
    with mitame.open(tmp_path / "none", lenses={"own": "vectors:8"}) as empty:
        write_neighbors(empty, file)
    assert parquet.read_table(file).num_rows == 0


def test_items_without_a_table_are_searched(tmp_path: Path) -> None:
    """A collection that was never merged has the same lists; progress reaches the end."""
    rng = np.random.default_rng(5)
    with mitame.open(tmp_path / "data", lenses={"own": "vectors:4:euclidean"}) as made:
        for n in range(12):
            made.add(n, vector=rng.integers(0, 2, 4))
        told: list[tuple[int, int]] = []
        report = write_neighbors(
            made, tmp_path / "n.csv", limit=LIMIT, on_step=lambda *step: told.append(step)
        )
        assert report.searched == 12
        assert told[-1] == (12, 12)
        with (tmp_path / "n.csv").open(newline="") as lines:
            rows = list(csv.reader(lines))[1:]
        assert [(a, int(b), c, float(d)) for a, b, c, d, *_ in rows] == [
            row[:4] for row in expected(made)
        ]


def test_what_fails_leaves_the_old_file(shop: mitame.Collection, tmp_path: Path) -> None:
    """And nothing beside it."""
    file = tmp_path / "out" / "n.csv"
    file.parent.mkdir()
    file.write_text("old")

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_neighbors(shop, file, on_step=stop)
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]
    with pytest.raises(StorageError, match="can't write"):
        write_neighbors(shop, tmp_path / "nowhere" / "n.csv")


def test_what_cannot_be_is_refused(shop: mitame.Collection, tmp_path: Path) -> None:
    """Before anything is written."""
    for target, words in {
        "n.txt": "no format",
        "ftp://host/n.csv": "'ftp'",
        "redis://host:nine/0": "can't be read",
        "redis://host/0?prefix=a*": "begin the keys",
        "postgresql://host/db?table=a;b": "can't be the table",
    }.items():
        with pytest.raises(UsageError, match=words):
            write_neighbors(shop, target)
    with pytest.raises(UsageError, match="limit"):
        write_neighbors(shop, tmp_path / "n.csv", limit=0)
    with pytest.raises(UnknownLens, match="no lens"):
        write_neighbors(shop, tmp_path / "n.csv", lens="other")


def test_command_writes_a_file(run: Run, shop: mitame.Collection, tmp_path: Path) -> None:
    """Says what it did, in words or JSON; lists that were searched for are told."""
    file, data = tmp_path / "n.csv", shop.path.parent
    done = run("neighbors", "--to", file, "--limit", 3, data=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote 120 neighbours of 40 items to {file}\n"
    assert "were searched for" in done.stderr
    assert run("merge", "--neighbors", 5, data=data).returncode == 0
    assert "neighbours 5 per item, exact\n" in run("status", data=data).stdout
    (lens,) = json.loads(run("status", "--json", data=data).stdout)["lenses"].values()
    assert (lens["neighbors"]["k"], lens["neighbors"]["exact"]) == (5, True)
    told = json.loads(run("neighbors", "--to", file, "--limit", 5, "--json", data=data).stdout)
    assert (told["items"], told["neighbors"], told["searched"]) == (40, 200, 0)
    refused = run("neighbors", "--to", "redis://:hush@host:x", data=data)
    assert refused.returncode == 2
    assert "hush" not in refused.stderr
