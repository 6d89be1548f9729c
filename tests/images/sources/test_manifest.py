"""Manifests: three forms of one table, and rows that can't be used."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.errors import FetchRefused, InvalidManifest, MissingExtra, UnreadableFile, UsageError
from mitame.images.limits import ImageLimits
from mitame.images.sources import ManifestSource
from tests.images.sources.pictures import ids, offered, picture, refused, write

ROWS: list[dict[str, object]] = [
    {"id": "m-1", "image": "mugs/1.png", "category": "mug", "price": 12, "weight": 0.5},
    {"id": "m-1", "image": "mugs/2.png", "category": "mug", "price": 12, "sold": True},
    {"image": "見.png", "colour": "red, white"},
    {"id": "7", "image": "https://shop.example/x.jpg", "sold": False},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pictures that `ROWS` names."""
    write(tmp_path, "mugs/1.png", "mugs/2.png", "見.png")
    return tmp_path


def write_csv(path: Path, rows: list[dict[str, object]], delimiter: str = ",") -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def check(source: ManifestSource, folder: Path) -> None:
    """The source offers `ROWS`."""
    found = offered(source)
    assert not refused(source)
    assert source.countable
    assert [c.id for c in found] == ["m-1", "m-1", "見.png", "7"]
    assert [c.named for c in found] == [True, True, False, True]
    assert [c.category for c in found] == ["mug", "mug", None, None]
    assert [dict(c.attributes) for c in found] == [
        {"price": 12, "weight": 0.5},
        {"price": 12, "sold": True},
        {"colour": "red, white"},
        {"sold": False},
    ]
    assert [type(c.attributes.get("price")) for c in found[:2]] == [int, int]
    assert found[1].location == str(folder / "mugs/2.png")
    assert found[1].read() == (folder / "mugs/2.png").read_bytes()
    assert found[1].size == (folder / "mugs/2.png").stat().st_size
    assert found[3].location == "https://shop.example/x.jpg"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(folder: Path, delimiter: str) -> None:
    """With a BOM and any of the three delimiters."""
    check(ManifestSource(write_csv(folder / "m.csv", ROWS, delimiter)), folder)


def test_json_lines(folder: Path) -> None:
    """Attributes beside the other keys, or under one of their own."""
    check(ManifestSource(write_json(folder / "m.jsonl", ROWS)), folder)
    known = ("id", "image", "category")
    nested: list[dict[str, object]] = [
        {k: v for k, v in row.items() if k in known}
        | {"attributes": {k: v for k, v in row.items() if k not in known}}
        for row in ROWS
    ]
    check(ManifestSource(write_json(folder / "m.ndjson", nested)), folder)


def test_parquet(folder: Path) -> None:
    """Empty values are left out, dates become text, and damage is an InvalidManifest."""
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    import datetime
    import decimal

    import pyarrow.parquet as parquet

    path = folder / "m.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS, _schema(pyarrow)), path)
    check(ManifestSource(path), folder)
    row = {
        "image": "見.png",
        "made": datetime.date(2026, 1, 2),
        "price": decimal.Decimal("1.50"),
        "tags": ["a", "b"],
        "score": float("nan"),
    }
    parquet.write_table(pyarrow.Table.from_pylist([row, {"image": None}]), path)
    (candidate,) = offered(ManifestSource(path))
    assert candidate.attributes == {"made": "2026-01-02", "price": 1.5, "tags": ["a", "b"]}
    (refusal,) = refused(ManifestSource(path))
    assert refusal.location.endswith("line 2")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidManifest):
        list(ManifestSource(path))
    parquet.write_table(pyarrow.Table.from_pylist([{"picture": "a"}]), path)
    with pytest.raises(InvalidManifest, match="no column 'image'"):
        list(ManifestSource(path))


def _schema(pyarrow: object) -> object:
    text, boolean = pyarrow.string(), pyarrow.bool_()  # type: ignore[attr-defined] # an extra without types
    numbers = [("price", pyarrow.int64()), ("weight", pyarrow.float64())]  # type: ignore[attr-defined] # as above
    texts = [(name, text) for name in ("id", "image", "category", "colour")]
    return pyarrow.schema([*texts, *numbers, ("sold", boolean)])  # type: ignore[attr-defined] # as above


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="parquet is installed")
def test_parquet_without_its_extra_names_the_extra(folder: Path) -> None:
    """The remedy is the command that installs it."""
    (folder / "m.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra) as caught:
        list(ManifestSource(folder / "m.parquet"))
    assert "mitame[parquet]" in caught.value.remedy


def test_cells_become_what_they_look_like(folder: Path) -> None:
    """Numbers and booleans in CSV; codes, huge numbers and odd spellings stay text."""
    cells = {
        "12": 12,
        "-3": -3,
        "0": 0,
        "1.50": 1.5,
        "1e3": 1000.0,
        "-0.5E-2": -0.005,
        "TRUE": True,
        "false": False,
        "007": "007",
        "+1": "+1",
        "1e999": "1e999",
        "12345678901234567890": "12345678901234567890",
        "١٢": "١٢",
        "1,5": "1,5",
        "1_000": "1_000",
        "nan": "nan",
        "inf": "inf",
        " 1": " 1",
        "": None,
    }
    row: dict[str, object] = {f"c{i}": cell for i, cell in enumerate(cells)}
    (candidate,) = offered(
        ManifestSource(write_csv(folder / "m.csv", [{"image": "見.png", **row}]))
    )
    for i, value in enumerate(cells.values()):
        got = candidate.attributes.get(f"c{i}")
        assert (got, type(got)) == (value, type(value))


def test_ids_and_categories_stay_text(folder: Path) -> None:
    """An id or a category of digits is no number; in JSON an integer keeps its digits."""
    path = write_csv(folder / "m.csv", [{"ID": "007", "Image": "見.png", "Category": "1.0"}])
    (candidate,) = offered(ManifestSource(path))
    assert (candidate.id, candidate.category) == ("007", "1.0")
    path = write_json(folder / "m.jsonl", [{"id": 7, "image": "見.png", "category": None}])
    (candidate,) = offered(ManifestSource(path))
    assert (candidate.id, candidate.category) == ("7", None)


def test_images_outside_are_refused_unless_allowed(folder: Path) -> None:
    """By parents or absolute; what comes back inside is inside."""
    inner = folder / "inner"
    write(inner, "in.png")
    inside, up, absolute = "sub/../in.png", "../見.png", str(folder / "見.png")
    neighbour = folder / "inner2"
    write(neighbour, "x.png")
    rows: list[dict[str, object]] = [
        {"image": image} for image in (inside, up, absolute, "../inner2/x.png")
    ]
    path = write_json(inner / "m.jsonl", rows)
    source = ManifestSource(path)
    assert ids(source) == [inside]
    assert ["outside" in refusal.error.message for refusal in refused(source)] == [True] * 3
    allowed = ManifestSource(path, allow_outside=True)
    assert len(offered(allowed)) == 4
    assert offered(allowed)[1].read() == (folder / "見.png").read_bytes()


def test_bad_rows_are_refused_with_their_line(folder: Path) -> None:
    """The good rows around them are offered."""
    (folder / "m.csv").write_bytes(
        b"id,image,note\n"  # 1
        b"a,mugs/1.png,x\n"  # 2
        b"b,,\n"  # 3: no image
        b"c,mugs/1.png,1,2\n"  # 4: too many cells
        b"d,missing.png,\n"  # 5: no such file, as reading it tells
        b"\n"
        b'e,mugs/1.png,"two\nlines"\n'  # 7 and 8
        b"f,mugs/1.png,\xff\n"  # 9: not UTF-8
        b"g\x01,mugs/1.png,\n"  # 10: no id
        b"h,mugs/1.png\n"  # 11: short, but complete
        b"i,ftp://shop.example/x,\n"  # 12: not http
        b"j,mugs,\n"  # 13: a folder, as reading it tells
    )
    source = ManifestSource(folder / "m.csv")
    assert ids(source) == ["a", "d", "e", "h", "j"]
    found = {r.location.rpartition(" ")[2]: r.error for r in refused(source)}
    assert set(found) == {"3", "4", "9", "10", "12"}
    for candidate in offered(source):
        if candidate.id in "dj":
            assert candidate.size is None
            with pytest.raises(UnreadableFile):
                candidate.read()
    assert isinstance(found["12"], FetchRefused)
    assert "UTF-8" in found["9"].remedy


def test_a_candidate_says_its_line(folder: Path) -> None:
    """What can't be decoded later can still be found in the manifest."""
    path = folder / "m.csv"
    path.write_text('id,image,note\na,mugs/1.png,"two\nlines"\nb,mugs/2.png,\n')
    first, second = offered(ManifestSource(path))
    assert (first.row, second.row) == (f"{path} line 2", f"{path} line 4")
    assert second.place == f"{path} line 4: {folder / 'mugs/2.png'}"


@pytest.mark.parametrize("closing", ["", 'z,mugs/1.png,"red, white"\n', 'z,mugs/1.png,"x"\n'])
def test_a_quote_too_many_costs_one_row(folder: Path, closing: str) -> None:
    """Whether the file ends in it, a later quote closes it, or it grows beyond all bounds."""
    path = folder / "m.csv"
    rows = "".join(f"i{n},mugs/1.png,plain\n" for n in range(500))
    path.write_text(f'id,image,note\na,mugs/1.png,x\nb,"mugs/1.png,x\n{rows}{closing}')
    source = ManifestSource(path)
    (refusal,) = refused(source)
    assert refusal.location == f"{path} line 3"
    assert "quote" in refusal.error.message
    last = ["z"] if closing else []
    assert ids(source) == ["a", *(f"i{n}" for n in range(500)), *last]
    path.write_text(f'id,image,note\nb,"mugs/1.png,x\n{rows * 20}')
    assert len(offered(ManifestSource(path))) == 10_000
    assert [each.location for each in refused(ManifestSource(path))] == [f"{path} line 2"]


def test_bad_lines_of_json_are_refused_with_their_number(folder: Path) -> None:
    """No JSON, no object, wrong types, endless nesting, numbers that are none."""
    lines = [
        '{"image": "見.png"}',
        "[1]",
        "{",
        '{"image": 1.5}',
        '{"image": "見.png", "x": {"y": 1}}',
        '{"image": "見.png", "x": [1]}',
        '{"image": "見.png", "x": NaN}',
        '{"image": "見.png", "attributes": [1]}',
        "[" * 100_000,
        '{"image": "見.png", "id": true}',
        '{"image": "見.png", "x": ' + "9" * 5000 + "}",
        '{"image": "\\ud800.png"}',
        '{"image": "nul\\u0000.png"}',
        json.dumps({"image": "見.png", **{f"a{i}": i for i in range(1001)}}),
        '{"image": "見.png", "id": "last", "tags": ["a"], "none": null}',
    ]
    (folder / "m.jsonl").write_text("\n".join(lines), "utf-8")
    source = ManifestSource(folder / "m.jsonl")
    assert ids(source) == ["見.png", "last"]
    assert offered(source)[1].attributes == {"tags": ["a"], "none": None}
    numbers = [int(refusal.location.rpartition(" ")[2]) for refusal in refused(source)]
    assert numbers == list(range(2, 15))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no column 'image'"),
        (b"picture,id\na.png,1\n", "no column 'image'"),
        (b"image,image\na,b\n", "twice"),
        ("image\na.png\n".encode("utf-16"), "UTF-16"),
        (b"image\n" + b"a" * 2_000_000, "bytes"),
    ],
)
def test_a_file_that_is_no_manifest_raises(tmp_path: Path, content: bytes, word: str) -> None:
    """What is wrong with the whole is no row's fault."""
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InvalidManifest, match=word):
        list(ManifestSource(tmp_path / "m.csv"))


def test_other_files_are_refused_at_once(tmp_path: Path) -> None:
    """Missing, a folder, a pipe, another extension."""
    with pytest.raises(UnreadableFile):
        ManifestSource(tmp_path / "m.csv")
    os.mkfifo(tmp_path / "m.jsonl")
    with pytest.raises(UnreadableFile, match="named pipe"):
        ManifestSource(tmp_path / "m.jsonl")
    with pytest.raises(UsageError):
        ManifestSource(tmp_path / "m.xlsx")


def test_limits_reach_the_picture(folder: Path) -> None:
    """A row is offered; its picture is refused when it is read."""
    path = write_json(folder / "m.jsonl", [{"image": "見.png"}])
    limits = ImageLimits(max_bytes=len(picture()) // 2)
    (candidate,) = offered(ManifestSource(path, limits=limits))
    with pytest.raises(Exception, match="more than") as caught:
        candidate.read()
    assert caught.value.__class__.__name__ == "ImageTooLarge"


_TEXT = st.text(sorted(set(string.printable) - {"\r", "\x0b", "\x0c"}), max_size=12)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), _TEXT), max_size=5))
def test_text_in_csv_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    """Quotes, delimiters and line ends inside of cells survive."""
    folder = tmp_path_factory.mktemp("csv")
    write(folder, "x.png")
    table: list[dict[str, object]] = [
        {"image": "x.png", "a": "", "b": "", "c": "", **{k: f"t{v}" for k, v in row.items()}}
        for row in rows
    ]
    path = write_csv(folder / "m.csv", table or [{"image": "x.png"}])
    found = [dict(c.attributes) for c in offered(ManifestSource(path))]
    assert found == ([{k: f"t{v}" for k, v in row.items()} for row in rows] or [{}])
