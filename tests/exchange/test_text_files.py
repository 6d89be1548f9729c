"""CSV and JSON lines as others write them, and what is refused of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mitame.errors import InvalidFile, MissingExtra, UnreadableFile, UsageError
from mitame.exchange import RefusedRow, Row, Rows, read
from mitame.exchange.lines import text_lines


def both(rows: Rows) -> tuple[list[Row], dict[int, str]]:
    """The good rows, and the refused ones' reasons by number."""
    found = [row for block in rows.blocks() for row in block]
    refused = {row.number: row.error.message for row in found if isinstance(row, RefusedRow)}
    return [row for row in found if isinstance(row, Row)], refused


def vectors(rows: list[Row]) -> list[list[float]]:
    return [[] if row.vector is None else row.vector.tolist() for row in rows]


def csv(folder: Path, text: str) -> Rows:
    (folder / "x.csv").write_text(text, encoding="utf-8")
    return read(folder / "x.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_gannoys_csv(tmp_path: Path, delimiter: str) -> None:
    """``key,f1,f2,...`` without a header; keys are integers, negative ones included."""
    text = "1,0.5,-2\n-7,1e-3,4\n".replace(",", delimiter)
    rows = csv(tmp_path, text)
    assert rows.dimension == 2
    good, refused = both(rows)
    assert [row.id for row in good] == ["1", "-7"]
    assert vectors(good) == [[0.5, -2], [float(np.float32(1e-3)), 4]]
    assert refused == {}


def test_csv_with_a_header(tmp_path: Path) -> None:
    """The vector's columns count up; the others are the id, the category and attributes."""
    text = (
        "\ufeffprice,key,v0,v1,category,sold,note\r\n"
        '1200,sku-1,1,2,"mug, large",true,007\r\n'
        "9.5,sku-2,3,4,,,\r\n"
    )
    good, refused = both(csv(tmp_path, text))
    assert [row.id for row in good] == ["sku-1", "sku-2"]
    assert vectors(good) == [[1, 2], [3, 4]]
    assert [row.category for row in good] == ["mug, large", None]
    assert good[0].attributes == {"price": 1200, "sold": True, "note": "007"}
    assert good[1].attributes == {"price": 9.5}
    assert refused == {}


@pytest.mark.parametrize("name", ["id", "Key", ""])
def test_numbers_alone_as_names(tmp_path: Path, name: str) -> None:
    """A data frame's columns are called 0, 1, 2; its index has no name."""
    good, _ = both(csv(tmp_path, f"{name},0,1,2\na,1,2,3\n"))
    assert (good[0].id, vectors(good)) == ("a", [[1, 2, 3]])


def test_bad_lines_are_refused_by_number(tmp_path: Path) -> None:
    """Each with its reason, while the rest goes on; the quote does not swallow what follows."""
    lines = ["a,1,2", "b,1,x", "c,1_0,2", 'd,"1,2', "e,,2", "f,1e999,2", "g,3,4"]
    good, refused = both(csv(tmp_path, "\n".join(lines) + "\n"))
    assert [row.id for row in good] == ["a", "f", "g"]
    assert sorted(refused) == [2, 3, 4, 5]
    assert "could not convert" in refused[2]
    assert np.isinf(good[1].vector[0])  # type: ignore[index] # it has one; refused by the import


@pytest.mark.parametrize(
    "text", ["", "\n\n", "only\n", "a,b\n1,x\n", "id,f1,f1\n", "id,f5,f7\n1,2,3\n"]
)
def test_csv_without_vectors(tmp_path: Path, text: str) -> None:
    """No columns of numbers that count up: said so, not guessed."""
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InvalidFile):
        read(tmp_path / "x.csv")


def test_json_lines(tmp_path: Path) -> None:
    """Integers are ids, too; what stands beside the four keys is an attribute."""
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"id": 5, "vector": [1, 2.5], "price": 3, "attributes": {"id": "x"}}\n'
        "\n"
        '{"id": "b", "category": "mug"}\n'
    )
    rows = read(path)
    assert rows.dimension == 2
    good, refused = both(rows)
    assert [(row.id, row.category, row.number) for row in good] == [("5", None, 1), ("b", "mug", 3)]
    assert vectors(good) == [[1, 2.5], []]
    assert good[0].attributes == {"price": 3, "id": "x"}
    assert refused == {}


@pytest.mark.parametrize(
    "line",
    [
        "[1]",
        "{",
        '{"vector": [1]}',
        '{"id": true, "vector": [1]}',
        '{"id": "a", "vector": []}',
        '{"id": "a", "vector": [true]}',
        '{"id": "a", "vector": ["1"]}',
        '{"id": "a", "vector": [[1]]}',
        '{"id": "a", "vector": [NaN]}',
        '{"id": "a", "vector": [1], "attributes": 3}',
        '{"id": "a", "vector": [1], "category": 3}',
        '{"id": "a", "vector": [1' + "0" * 400 + "]}",
        '{"id": "a", "vector": [' + "9" * 5_000 + "]}",
        "[" * 100_000,
        '{"id": "\xff"}',
    ],
)
def test_bad_json_lines(tmp_path: Path, line: str) -> None:
    """Each alone is refused; the good one after it is read."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(line.encode("latin-1") + b'\n{"id": "good", "vector": [1]}\n')
    good, refused = both(read(path))
    assert [row.id for row in good] == ["good"]
    assert list(refused) == [1]


def test_iterating_raises_at_the_first_refused_row(tmp_path: Path) -> None:
    """Who does not look for refused rows does not lose them unawares."""
    with pytest.raises(InvalidFile, match="line 2"):
        list(csv(tmp_path, "a,1\nb,x\n"))


def test_long_lines_are_skipped(tmp_path: Path) -> None:
    """A line beyond the limit is refused and never held whole; the next one has its number."""
    path = tmp_path / "x.txt"
    path.write_bytes(b"first\n" + b"x" * 1_000 + b"\nlast")
    found = list(text_lines(path, limit=10))
    assert found[0] == (1, "first")
    assert isinstance(found[1][1], InvalidFile)
    assert found[2] == (3, "last")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    """One of our errors, with the name."""
    with pytest.raises(UnreadableFile, match=r"gone\.csv"):
        read(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match="no format"):
        read(tmp_path / "gone.csv", format="pickle")


@settings(max_examples=300, deadline=None)
@example(data=b'a,1\n"\n')
@given(data=st.binary(max_size=200) | st.text('{"id:vector[]}1,.e-;\t\n').map(str.encode))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """As any format: rows, refused rows, or a typed error; nothing else."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    for name in (None, "csv", "jsonl", "npy", "faiss", "hnswlib"):
        with suppress(InvalidFile, MissingExtra):
            for block in read(path, format=name).blocks():
                assert all(isinstance(row, Row | RefusedRow) for row in block)
