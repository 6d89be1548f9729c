"""The formats by name: which reads a file, and which writes one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from mitame.collection.lens import MAX_DIMENSION
from mitame.errors import InvalidFile, UsageError
from mitame.exchange import annoy, csvfile, faiss, hnswlib, jsonlines, npy, parquet
from mitame.exchange.binary import BinaryFile
from mitame.exchange.row import DISTANCE_OF, ItemType, Metric, Row, Rows

Format = Literal["csv", "jsonl", "npy", "parquet", "annoy", "faiss", "hnswlib"]
FORMATS: tuple[Format, ...] = get_args(Format)

_READERS: Mapping[str, Callable[[Path], Rows]] = {
    "csv": csvfile.read_csv,
    "jsonl": jsonlines.read_json_lines,
    "npy": npy.read_npy,
    "parquet": parquet.read_parquet,
    "faiss": faiss.read_faiss,
    "hnswlib": hnswlib.read_hnswlib,
}
_WRITERS: Mapping[str, Callable[[Rows | Iterable[Row], Path], None]] = {
    "csv": csvfile.write_csv,
    "jsonl": jsonlines.write_json_lines,
    "npy": npy.write_npy,
    "parquet": parquet.write_parquet,
}
WRITABLE: tuple[str, ...] = tuple(_WRITERS)
_ENDINGS: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".npy": "npy",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".ann": "annoy",
    ".annoy": "annoy",
    ".faiss": "faiss",
    ".hnsw": "hnswlib",
    ".hnswlib": "hnswlib",
}
_HEAD = 4_096


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the word that users know
    dimension: int | None = None,
    metric: Metric | None = None,
    item_type: ItemType | None = None,
) -> Rows:
    """The rows of a file of vectors.

    Args:
        path: the file.
        format: one of `FORMATS`; guessed from the content and the name when None.
        dimension: of the vectors; annoy files need it, others are checked against it.
        metric: that the file's maker compares by; annoy files need it, and for others it says
            which distance ranks in the same way.
        item_type: of the numbers of an annoy file; told from its content when None.

    Raises:
        UsageError: an unknown format, or no dimension or metric for an annoy file.
        UnreadableFile: it can't be opened.
        InvalidFile: damaged, or of no format that is read.
        MissingExtra: Parquet without pyarrow.
    """
    place = Path(path)
    if dimension is not None and not 1 <= dimension <= MAX_DIMENSION:
        raise UsageError(f"no vectors have {dimension} dimensions", remedy="use 1 to 65,536")
    can_be_annoy = dimension is not None and metric is not None
    found = guess(place, or_annoy=can_be_annoy) if format is None else _known(format, FORMATS)
    if found == "annoy":
        return _annoy(place, dimension, metric, item_type)
    rows = _READERS[found](place)
    if None not in (dimension, rows.dimension) and dimension != rows.dimension:
        raise InvalidFile(
            f"{rows.name} has vectors of {rows.dimension} dimensions, not {dimension}",
            remedy="leave out --dim",
        )
    distance = rows.distance if metric is None else DISTANCE_OF.get(metric)
    return replace(rows, dimension=rows.dimension or dimension, distance=distance)


def _annoy(
    path: Path, dimension: int | None, metric: Metric | None, item_type: ItemType | None
) -> Rows:
    if dimension is None or metric is None:
        raise UsageError(
            f"{path.name}: an annoy file tells neither its dimension nor its metric",
            remedy="give both: --dim 256 --metric angular",
        )
    return annoy.read_annoy(path, dimension=dimension, metric=metric, item_type=item_type)


def write(
    rows: Rows | Iterable[Row],
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - as in read
) -> None:
    """Write rows to a file, which appears whole or not at all.

    Args:
        rows: of `read`, or rows of your own.
        path: the file; an old one is replaced. ``.npy`` comes with ``.ids.txt`` and
            ``.attributes.jsonl`` beside it.
        format: csv, jsonl, npy or parquet; from the name's ending when None.

    Raises:
        UsageError: no format, or a row that it can't hold.
        InvalidVector: a vector of another dimension than the first, NaN or infinity.
        SourceError: the rows come from a file that is damaged.
        StorageError: the disk does not let us.
        MissingExtra: Parquet without pyarrow.
    """
    place = Path(path)
    _WRITERS[writing_format(place, format)](rows, place)


def writing_format(path: Path, format: str | None) -> str:  # noqa: A002 - as in read
    """The format to write a file in.

    Raises:
        UsageError: the name tells none, or it is one that is only read.
    """
    wanted = format or _ENDINGS.get(path.suffix.lower())
    if wanted is None:
        raise UsageError(
            f"the name {path.name!r} tells no format", remedy=f"end it in .{', .'.join(_WRITERS)}"
        )
    return _known(wanted, WRITABLE)


def _known(name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise UsageError(f"no format {name!r} here", remedy=f"choose from {', '.join(names)}")
    return name


def guess(path: Path, *, or_annoy: bool = False) -> Format:
    """The format of a file: by its first bytes, then its name, then its text.

    Args:
        path: the file.
        or_annoy: whether binary content of no other format may be an annoy index.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: nothing fits.
    """
    with BinaryFile(path) as file:
        head = file.at(0, min(_HEAD, file.size))
        is_hnswlib = hnswlib.find_header(file) is not None
    found = _signed(head) or _ENDINGS.get(path.suffix.lower())
    if found is None and is_hnswlib:
        found = "hnswlib"
    found = found or _of_content(head) or ("annoy" if or_annoy else None)
    if found is not None:
        return found
    raise InvalidFile(
        f"can't tell what {path.name} is", remedy=f"name its --format: {', '.join(FORMATS)}"
    )


def _signed(head: bytes) -> Format | None:
    """The format whose files begin so, whatever they are called."""
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    return "parquet" if head.startswith(b"PAR1") else None


def _of_content(head: bytes) -> Format | None:
    """Faiss by its code in binary content; JSON or CSV in text."""
    if b"\0" in head:
        return "faiss" if faiss.is_faiss(head) else None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "jsonl"
    return "csv" if text else None
