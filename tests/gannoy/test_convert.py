"""Sources of gannoy's converter: every key is kept, and what can't be used is told."""

from __future__ import annotations

import importlib
import json
import math
import shutil
import sqlite3
import struct
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mitame.errors import InvalidFile, MissingExtra, UnreadableFile, UsageError
from mitame.exchange.gannoy_sources import read_source
from mitame.exchange.row import RefusedRow, Row, Rows
from tests.exchange.golden import DIMENSION, FOLDER, expected
from tests.gannoy.gannoy_files import database, node

GOLDEN = Path(__file__).parent.parent / "golden" / "gannoy"
EXTREMES = [0, -1, 5, 2**31 - 1, -(2**31)]


def rows_of(rows: Rows) -> dict[str, list[float]]:
    """The vectors by key; nothing may have been refused."""
    return {row.id: [float(x) for x in row.vector] for row in rows if row.vector is not None}


def refusals(rows: Rows) -> list[tuple[int, str]]:
    """What was refused, by number."""
    every = [row for block in rows.blocks() for row in block]
    return [(row.number, row.error.message) for row in every if isinstance(row, RefusedRow)]


# CSV


def test_csv(tmp_path: Path) -> None:
    """Keys as gannoy read them: signs and zeros in front are the same integer."""
    (tmp_path / "a.csv").write_text("1,0.5,2\n-3,1,1\n007,0,1e3\n+8,1,2\n9223372036854775807,1,1\n")
    assert rows_of(read_source(tmp_path / "a.csv")) == {
        "1": [0.5, 2],
        "-3": [1, 1],
        "7": [0, 1000],
        "8": [1, 2],
        str(2**63 - 1): [1, 1],
    }


def test_csv_with_other_keys(tmp_path: Path) -> None:
    """A key that is no 64-bit integer is refused by its line; the others are read."""
    (tmp_path / "a.csv").write_text("1,1,2\na,1,2\n1.5,1,2\n9223372036854775808,1,2\n2,1,2\n")
    rows = read_source(tmp_path / "a.csv", dimension=2)
    assert [number for number, _ in refusals(rows)] == [2, 3, 4]
    kept = [row.id for block in rows.blocks() for row in block if isinstance(row, Row)]
    assert kept == ["1", "2"]


# annoy


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_annoy(kind: str) -> None:
    """float32, which gannoy's converter turned into garbage, and float64: the same items."""
    path = FOLDER / f"annoy-angular-{kind}.ann"
    found = rows_of(read_source(path, dimension=DIMENSION))
    want = expected(path)
    assert list(found) == [str(each) for each in want.ids]
    assert np.allclose(list(found.values()), want.vectors, rtol=1e-6)


@pytest.mark.parametrize("with_lengths", [True, False])
def test_annoy_of_2017(tmp_path: Path, with_lengths: bool) -> None:
    """float64 without a gap after the first field, which gannoy's converter read.

    The first of them did not have the items' lengths: then the type must be told.
    """
    path = FOLDER / "annoy-angular-float64.ann"
    size = 16 + 8 * DIMENSION
    nodes = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, size)
    packed = np.delete(nodes, slice(4, 8), axis=1)
    if not with_lengths:
        items = np.ascontiguousarray(packed[:, :4]).view("<i4")[:, 0] == 1
        packed[items, 4:12] = 0
    (tmp_path / "old.ann").write_bytes(packed.tobytes())
    told: Literal["float64"] | None = None if with_lengths else "float64"
    found = rows_of(read_source(tmp_path / "old.ann", dimension=DIMENSION, item_type=told))
    want = expected(path)
    assert list(found) == [str(each) for each in want.ids]
    assert np.allclose(list(found.values()), want.vectors, rtol=1e-6)


def test_annoy_with_keys(tmp_path: Path) -> None:
    """A file of keys says which key an item has; one that it leaves out is refused."""
    path = FOLDER / "annoy-angular-float64.ann"
    ids = [int(each) for each in expected(path).ids]
    lines = [f"{-100 - number},{number}" for number in ids[1:]]
    (tmp_path / "keys.csv").write_text("\n".join(lines))
    rows = read_source(path, dimension=DIMENSION, keys=tmp_path / "keys.csv")
    assert [number for number, _ in refusals(rows)] == [ids[0]]
    kept = [row.id for block in rows.blocks() for row in block if isinstance(row, Row)]
    assert kept == [str(-100 - number) for number in ids[1:]]


def test_annoy_needs_its_dimension(tmp_path: Path) -> None:
    """The file does not tell it; and keys are for annoy's files alone."""
    with pytest.raises(UsageError, match="neither its dimension"):
        read_source(FOLDER / "annoy-angular-float64.ann")
    (tmp_path / "a.csv").write_text("1,1,2\n")
    with pytest.raises(UsageError, match="keys of its own"):
        read_source(tmp_path / "a.csv", keys=tmp_path / "a.csv")
    (tmp_path / "keys.csv").write_text("x,y\n")
    path = FOLDER / "annoy-angular-float64.ann"
    with pytest.raises(InvalidFile, match="KEY,NUMBER"):
        read_source(path, dimension=DIMENSION, keys=tmp_path / "keys.csv")


# gannoy's first years


@pytest.mark.parametrize("name", ["d.meta", "d.tree", "d"])
def test_database(tmp_path: Path, name: str) -> None:
    """Named by either file or by its bare name: all keys that int32 has room for."""
    vectors = {key: [place + 0.25, -1.5, 0] for place, key in enumerate(EXTREMES)}
    database(tmp_path, "d", [node(*each) for each in vectors.items()], dim=3)
    rows = read_source(tmp_path / name)
    assert (rows.dimension, rows.total, rows.distance) == (3, 5, "cosine")
    assert rows_of(rows) == {str(key): vector for key, vector in vectors.items()}


def test_database_by_gannoy_itself() -> None:
    """Files that gannoy wrote, with items put again and removed (scripts/make_gannoy_golden.go)."""

    def vector(number: int) -> list[float]:
        return [math.sin(number * 5 + i + 1) for i in range(5)]

    want = {number: vector(number) for number in range(40)}
    want |= {number: vector(number + 1000) for number in range(0, 40, 5)}
    for gone in (0, *range(3, 40, 9)):
        del want[gone]
    found = rows_of(read_source(GOLDEN / "gannoy-angular.meta"))
    assert set(found) == {str(number * 7 - 50) for number in want}
    for number, each in want.items():
        assert found[str(number * 7 - 50)] == np.array(each, np.float32).tolist()


def test_database_without_items_that_are_gone(tmp_path: Path) -> None:
    """Free nodes, buckets and splits are no items."""
    nodes = [
        node(1, [1, 2]),
        node(2, [3, 4], free=True),
        node(-1, [5, 6], descendants=2),
        node(-1, [7, 8], descendants=9, free=True),
        node(0, [0, 0], descendants=0),
        node(3, [9, 10]),
    ]
    rows = read_source(database(tmp_path, "d", nodes, dim=2))
    assert rows_of(rows) == {"1": [1, 2], "3": [9, 10]}


def test_database_with_a_key_twice_and_a_torn_end(tmp_path: Path) -> None:
    """Of a key that stands twice the last counts, as it did there; a torn node is told."""
    nodes = [node(1, [1, 2]), node(2, [3, 4]), node(1, [5, 6]), node(9, [7, 8])[:-1]]
    rows = read_source(database(tmp_path, "d", nodes, dim=2))
    assert refusals(rows) == [(0, "key 1 stands again later on"), (3, "the last node is cut off")]
    kept = [row.id for block in rows.blocks() for row in block if isinstance(row, Row)]
    assert kept == ["2", "1"]


def test_database_that_is_empty(tmp_path: Path) -> None:
    """Created and never filled: its file of nodes may be empty, or missing."""
    meta = database(tmp_path, "d", [], dim=2)
    assert rows_of(read_source(meta)) == {}
    (tmp_path / "d.tree").unlink()
    assert rows_of(read_source(meta)) == {}


@pytest.mark.parametrize(
    "head",
    [b"", b"\0" * 11, struct.pack(">4i", 1, 0, 3, -1), struct.pack(">4i", 2, 2, 4, -1), b"x" * 16],
)
def test_database_with_a_damaged_head(tmp_path: Path, head: bytes) -> None:
    """InvalidFile, whatever its head says."""
    (tmp_path / "d.meta").write_bytes(head)
    with pytest.raises(InvalidFile):
        read_source(tmp_path / "d.meta")


def test_database_of_other_nodes(tmp_path: Path) -> None:
    """Nodes of another dimension are found out where their bytes can't be such."""
    meta = database(tmp_path, "d", [node(key, [1.5] * 7) for key in range(50)], dim=5)
    with pytest.raises(InvalidFile, match="do not fit"):
        rows_of(read_source(meta))
    with pytest.raises(InvalidFile, match="5 dimensions, not 7"):
        read_source(database(tmp_path, "e", [], dim=5), dimension=7)


# gannoy's later years


@pytest.fixture
def ngt_database(tmp_path: Path) -> Path:
    """Objects 1 to 6 as keys 10 to 60; then 20 is put again, 30 deleted and 70 put."""
    library = pytest.importorskip("ngtpy", reason="NGT's library is not installed")
    path = tmp_path / "db"
    library.create(str(path), 3, distance_type="Angle")
    index = library.Index(str(path), zero_based_numbering=False)
    for number in range(1, 7):
        assert index.insert([number, 0.5, -1]) == number
    index.build_index()
    index.save()
    index.close()
    (tmp_path / "db.map").write_text("".join(f"{10 * n},{n}\n" for n in range(1, 7)))
    with sqlite3.connect(tmp_path / "db.bin") as log:
        log.execute(
            "CREATE TABLE features (key INTEGER PRIMARY KEY, action INTEGER, features BLOB,"
            " updated_at TIMESTAMP DEFAULT (datetime('now','localtime')))"
        )
        sent = json.dumps({"features": [7, 8, 9]}).encode()
        for row in ((20, 2, sent), (30, 1, None), (70, 2, sent), (80, 2, b"{b"), (90, 1, b"")):
            log.execute("INSERT INTO features (key, action, features) VALUES (?, ?, ?)", row)
    log.close()
    return path


def test_ngt_database(ngt_database: Path) -> None:
    """What its index has by its map, and what was not applied yet."""
    rows = read_source(ngt_database)
    assert (rows.dimension, rows.distance) == (3, "cosine")
    assert refusals(rows) == [(80, "key 80 was sent something without features")]
    every = [row for block in rows.blocks() for row in block if isinstance(row, Row)]
    found = {row.id: row.vector.tolist() for row in every if row.vector is not None}
    assert {key: found[key] for key in ("20", "70")} == {"20": [7, 8, 9], "70": [7, 8, 9]}
    assert set(found) == {"10", "20", "40", "50", "60", "70"}
    for key in (10, 40, 50, 60):  # NGT may keep directions as unit vectors
        want = np.array([key / 10, 0.5, -1])
        got = np.array(found[str(key)])
        cosine = got @ want / np.linalg.norm(got) / np.linalg.norm(want)
        assert math.isclose(cosine, 1, abs_tol=1e-5)


def test_ngt_database_that_is_damaged(ngt_database: Path) -> None:
    """Each of its files."""
    beside = ngt_database.with_name
    (map_text, log_bytes) = beside("db.map").read_text(), beside("db.bin").read_bytes()
    beside("db.map").write_text("x,y\n")
    with pytest.raises(InvalidFile, match="KEY,OBJECT"):
        read_source(ngt_database)
    beside("db.map").write_text(map_text + "100,99\n")
    assert (100, True) in [
        (n, "can't be read" in why) for n, why in refusals(read_source(ngt_database))
    ]
    beside("db.bin").write_bytes(b"no database at all" * 100)
    with pytest.raises(InvalidFile, match="no log"):
        read_source(ngt_database)
    beside("db.bin").write_bytes(log_bytes)
    (ngt_database / "prf").write_text("Dimension\tmany\n")
    with pytest.raises(InvalidFile, match="no dimension"):
        read_source(ngt_database)
    (ngt_database / "prf").write_text("Dimension\t3\nDistanceType\tL1\n")
    with pytest.raises(UsageError, match="not offered"):
        read_source(ngt_database)


def test_ngt_database_without_the_library(
    ngt_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to install."""

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtra) as raised:
        read_source(ngt_database)
    assert "mitame[ngt]" in raised.value.remedy


def test_nothing_that_is_known(tmp_path: Path) -> None:
    """A directory that is no database, and no file at all."""
    with pytest.raises(InvalidFile, match="no database"):
        read_source(tmp_path)
    with pytest.raises(UnreadableFile):
        read_source(tmp_path / "none")
    shutil.copy(FOLDER / "unsupported-sq8.faiss", tmp_path / "x.bin")
    with pytest.raises(InvalidFile):
        read_source(tmp_path / "x.bin")
