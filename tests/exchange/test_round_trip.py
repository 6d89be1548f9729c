"""What is written is read back: ids, vectors bit by bit, categories and attributes."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import mitame
from mitame import exchange
from mitame.errors import InvalidVector, MitameError, UsageError
from mitame.exchange import Row, read, write

ARROW = importlib.util.find_spec("pyarrow") is not None
WRITABLE = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(name == "parquet" and not ARROW, reason="pyarrow is an extra"),
    )
    for name in exchange.WRITABLE
]
DIMENSION = 5

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
values = scalars | st.floats(allow_nan=False, allow_infinity=False) | st.lists(st.text(max_size=4))
names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
rows = st.builds(
    lambda name, vector, category, attributes: Row(
        name, np.array(vector, np.float32), category, attributes
    ),
    ids,
    st.lists(floats, min_size=DIMENSION, max_size=DIMENSION),
    st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
    st.dictionaries(names, values, max_size=4),
)
tables = st.lists(rows, min_size=1, max_size=8, unique_by=lambda row: row.id)

Plain = tuple[str, bytes | None, str | None, dict[str, object]]


def plain(found: Sequence[Row]) -> list[Plain]:
    """Rows that compare bit by bit: minus zero is not zero."""
    return [
        (
            row.id,
            None if row.vector is None else row.vector.tobytes(),
            row.category,
            dict(row.attributes),
        )
        for row in found
    ]


@pytest.mark.parametrize("name", WRITABLE)
@settings(max_examples=60, deadline=None)
@given(table=tables)
def test_rows(tmp_path_factory: pytest.TempPathFactory, name: str, table: list[Row]) -> None:
    """Any text, any finite float32 with subnormals and minus zero, any attribute."""
    path = tmp_path_factory.mktemp("rows") / f"rows.{name}"
    write(table, path)
    found = read(path)
    assert found.dimension == DIMENSION
    assert plain(list(found)) == plain(table)


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("distance", ["cosine", "euclidean", "inner_product"])
def test_a_collection(tmp_path: Path, name: str, distance: str) -> None:
    """Export and import give an equal collection, also where vectors are normalised."""
    vectors = np.random.default_rng(3).normal(size=(2_500, DIMENSION)).astype(np.float32)
    vectors[7] = 0
    with mitame.open(tmp_path, "a", lenses={"v": f"vectors:{DIMENSION}:{distance}"}) as a:
        fill(a, vectors)
        report = exchange.export_rows(a, tmp_path / f"items.{name}")
        assert report.to_json() == {"written": 2_500, "without_vector": 0, "further_images": 0}
        rows = read(tmp_path / f"items.{name}")
        with mitame.open(tmp_path, "b", lenses={"v": f"vectors:{DIMENSION}:{distance}"}) as b:
            imported = exchange.import_rows(b, rows)
            assert (imported.added, imported.replaced, imported.refused) == (2_500, 0, 0)
            assert list(a.items()) == list(b.items())
            with a.store.pin() as one, b.store.pin() as other:
                for i in range(0, 2_500, 7):
                    left, right = one.vectors(f"i{i}", "v"), other.vectors(f"i{i}", "v")
                    assert left.tobytes() == right.tobytes()


def fill(items: mitame.Collection, vectors: NDArray[np.float32]) -> None:
    given = [
        Row(f"i{i}", vector, "mug, large" if i % 3 else None, {"n": i, "p": 0.1, "t": ["a", "b"]})
        for i, vector in enumerate(vectors)
    ]
    block: exchange.Block = list(given)
    exchange.import_rows(items, exchange.Rows("made", "made", lambda: iter([block])))


@pytest.mark.parametrize("name", WRITABLE)
def test_every_float32_comes_back(tmp_path: Path, name: str) -> None:
    """Random bit patterns: nine digits in text are enough for all of them."""
    bits = np.random.default_rng(5).integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32)
    vectors = bits[np.isfinite(bits)][:19_000].reshape(-1, 100)
    write((Row(str(i), v) for i, v in enumerate(vectors)), tmp_path / f"x.{name}")
    back = np.stack([row.vector for row in read(tmp_path / f"x.{name}") if row.vector is not None])
    assert back.tobytes() == vectors.tobytes()


@pytest.mark.parametrize("name", WRITABLE)
def test_an_empty_collection(tmp_path: Path, name: str) -> None:
    """Writes a file with no rows, which tells its dimension where the format can."""
    with mitame.open(tmp_path, lenses={"v": "vectors:3"}) as items:
        exchange.export_rows(items, tmp_path / f"none.{name}")
    rows = read(tmp_path / f"none.{name}")
    assert list(rows) == []
    assert rows.dimension == (None if name == "jsonl" else 3)


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize(
    "bad",
    [
        Row("b", np.array([1, np.nan], np.float32)),
        Row("b", np.array([1, 2, 3], np.float32)),
        Row("b\n", np.array([1, 2], np.float32)),
        Row("b", np.array([1, 2], np.float32), None, {"x": object()}),
    ],
    ids=["nan", "dimension", "id", "attribute"],
)
def test_a_bad_row_leaves_the_old_file(tmp_path: Path, name: str, bad: Row) -> None:
    """What can't be written raises, and neither half a file nor a temporary one is left."""
    path = tmp_path / f"x.{name}"
    good = Row("a", np.array([1, 2], np.float32))
    write([good], path)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises((InvalidVector, UsageError)):
        write([good, bad], path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_csv_says_what_it_cannot_hold(tmp_path: Path) -> None:
    """A category with a line end, or attributes beyond a cell: told, not mangled."""
    vector = np.ones(2, np.float32)
    for row in (
        Row("a", vector, "two\nlines"),
        Row("a", vector, "half \ud800"),
        Row("a", vector, None, {"x": "y" * 140_000}),
    ):
        with pytest.raises(UsageError, match="CSV"):
            write([row], tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITABLE)
def test_a_folder_that_is_missing(tmp_path: Path, name: str) -> None:
    """The system's refusal is one of our errors."""
    with pytest.raises(MitameError, match="can't write"):
        write([Row("a", np.ones(2, np.float32))], tmp_path / "no" / f"x.{name}")


def test_rows_without_a_vector(tmp_path: Path) -> None:
    """JSON lines keep them; CSV and .npy have no place for them."""
    table = [Row("a", None, "mug"), Row("b", np.ones(2, np.float32))]
    write(table, tmp_path / "x.jsonl")
    assert plain(list(read(tmp_path / "x.jsonl"))) == plain(table)
    for name in ("csv", "npy"):
        with pytest.raises(InvalidVector, match="no vector"):
            write(table, tmp_path / f"x.{name}")
