"""Parquet as others write it; these run where pyarrow is installed."""

from __future__ import annotations

import datetime
import decimal
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.errors import InvalidFile, MissingExtra
from mitame.exchange import RefusedRow, Row, read, write

ARROW = importlib.util.find_spec("pyarrow") is not None
needs_arrow = pytest.mark.skipif(not ARROW, reason="pyarrow is an extra")


def written(path: Path, columns: dict[str, Any], types: dict[str, Any] | None = None) -> Path:
    import pyarrow
    import pyarrow.parquet

    arrays = {k: pyarrow.array(v, (types or {}).get(k)) for k, v in columns.items()}
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)
    return path


@pytest.mark.skipif(ARROW, reason="pyarrow is installed")
def test_without_its_extra_the_error_names_it(tmp_path: Path) -> None:
    """Reading and writing say what to install."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra) as caught:
        read(tmp_path / "x.parquet")
    assert "mitame[parquet]" in caught.value.remedy
    with pytest.raises(MissingExtra):
        write([Row("a", np.ones(2, np.float32))], tmp_path / "y.parquet")
    assert not (tmp_path / "y.parquet").exists()


@needs_arrow
@pytest.mark.parametrize("kind", ["list", "large_list", "fixed", "float16", "float64", "tensor"])
def test_every_kind_of_vector(tmp_path: Path, kind: str) -> None:
    """Lists of fixed size or not, of any float, and tensor columns stored as lists."""
    import pyarrow as pa

    array = np.random.default_rng(0).normal(size=(4_100, 3)).astype(np.float32)
    if kind == "float16":
        array = array.astype(np.float16).astype(np.float32)
    if kind == "tensor":
        column = pa.FixedShapeTensorArray.from_numpy_ndarray(array)
    else:
        types = {
            "list": pa.list_(pa.float32()),
            "large_list": pa.large_list(pa.float32()),
            "fixed": pa.list_(pa.float32(), 3),
            "float16": pa.list_(pa.float16()),
            "float64": pa.list_(pa.float64(), 3),
        }
        values = [row.astype(np.float16) if kind == "float16" else row for row in array]
        column = pa.array([list(row) for row in values], types[kind])
    path = written(tmp_path / "x.parquet", {"id": list(range(4_100)), "vector": column})
    rows = read(path)
    assert (rows.dimension, rows.total) == (3, 4_100)
    found = list(rows)
    assert [row.id for row in found[:2]] == ["0", "1"]
    assert np.stack([r.vector for r in found if r.vector is not None]).tobytes() == array.tobytes()


@needs_arrow
def test_other_columns_are_attributes(tmp_path: Path) -> None:
    """Of the types that an item keeps; dates as text, decimals as numbers, empty ones left out."""
    path = written(
        tmp_path / "x.parquet",
        {
            "id": ["a", "b"],
            "vector": [[1.0, 2.0], [3.0, 4.0]],
            "category": ["mug", None],
            "attributes": ['{"n": 1}', None],
            "day": [datetime.date(2026, 1, 2), None],
            "price": [decimal.Decimal("1.50"), None],
            "tags": [["x", "y"], None],
            "share": [0.5, float("nan")],
        },
    )
    one, other = read(path)
    assert one.category == "mug"
    assert one.attributes == {
        "day": "2026-01-02",
        "price": 1.5,
        "tags": ["x", "y"],
        "share": 0.5,
        "n": 1,
    }
    assert (other.category, other.attributes) == (None, {})


@needs_arrow
def test_odd_rows(tmp_path: Path) -> None:
    """Rows without a vector or id, with a hole in it or another length: each for itself."""
    columns = {
        "id": ["a", "b", "c", None, "e"],
        "vector": [[1.0, 2.0], None, [1.0], [1.0, 2.0], [1.0, None]],
        "attributes": ["{}", None, "[1]", None, None],
    }
    rows = read(written(tmp_path / "x.parquet", columns))
    found = [row for block in rows.blocks() for row in block]
    assert [isinstance(row, RefusedRow) for row in found] == [False, False, True, True, False]
    assert [row.number for row in found] == list(range(5))
    second, last = found[1], found[4]
    assert isinstance(second, Row)
    assert second.vector is None
    assert isinstance(last, Row)
    assert last.vector is not None
    assert np.isnan(last.vector[1])


@needs_arrow
def test_not_such_files(tmp_path: Path) -> None:
    """No Parquet, other columns, vectors that are none, cut off, overwritten: typed errors."""
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidFile, match="Parquet"):
        read(path)
    with pytest.raises(InvalidFile, match="'vector'"):
        read(written(path, {"id": ["a"]}))
    with pytest.raises(InvalidFile, match="list of floats"):
        read(written(path, {"id": ["a"], "vector": ["b"]}))
    rows = [Row(str(i), np.full(4, i, np.float32), "mug", {"n": i}) for i in range(50)]
    write(rows, path)
    data = path.read_bytes()
    refused = 0
    for place in range(0, len(data), 11):
        for bad in (data[:place], data[:place] + b"\xff\xff" + data[place + 2 :]):
            path.write_bytes(bad)
            try:
                for _ in read(path, format="parquet").blocks():
                    pass
            except InvalidFile:
                refused += 1
    assert refused > len(data) // 11
