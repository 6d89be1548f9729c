"""Rows of a manifest in any of its three forms, as plain dictionaries."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import math
import re
from collections.abc import Iterator
from typing import TypeAlias

from mitame.errors import InvalidManifest, MissingExtra
from mitame.images.limits import ImageLimits
from mitame.images.sources.cells import read_cells
from mitame.images.sources.lines import read_lines
from mitame.images.sources.names import shown

Row: TypeAlias = dict[str, object]
Numbered: TypeAlias = tuple[int, Row | InvalidManifest]

_RECOGNISED = ("id", "image", "category")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d{1,3})?")
_ROWS_AT_ONCE = 1_000


def csv_rows(path: str, limits: ImageLimits) -> Iterator[Numbered]:
    """Rows of a CSV file with their line numbers; cells become numbers and booleans if they can.

    The delimiter is the one of comma, semicolon and tab that the header has most of. Empty cells
    are left out. ``007`` and ``1e999`` stay text. A quote too many costs its own line only.

    Raises:
        InvalidManifest: no header, or a column twice.
    """
    lines = read_lines(path, limits)
    _, header = next(lines, (0, ""))
    delimiter = max(",;\t", key=header.count)
    names = _column_names(next(csv.reader([header], delimiter=delimiter), []), path)
    for number, cells in read_cells(lines, delimiter):
        if isinstance(cells, InvalidManifest):
            yield number, cells
        elif any(cells):
            yield number, _csv_row(names, cells)


def _column_names(cells: list[str], path: str) -> list[str]:
    """Names without spaces around; the three that are recognised in lower case."""
    stripped = [cell.strip() for cell in cells]
    names = [name.lower() if name.lower() in _RECOGNISED else name for name in stripped]
    if "image" not in names:
        raise InvalidManifest(f"{shown(path)} has no column 'image'")
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidManifest(
            f"{shown(path)} has the column {min(twice)!r} twice", remedy="rename one of them"
        )
    return names


def _csv_row(names: list[str], cells: list[str]) -> Row | InvalidManifest:
    if len(cells) > len(names):
        return InvalidManifest(
            f"the row has {len(cells)} cells under {len(names)} columns",
            remedy="put quotes around cells that hold the delimiter",
        )
    row: Row = {}
    for name, cell in zip(names, cells, strict=False):
        if cell:
            row[name] = cell if name in _RECOGNISED else _scalar(cell)
    return row


def _scalar(cell: str) -> str | int | float | bool:
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    if not (match := _NUMBER.fullmatch(cell)):
        return cell
    if match[1] is None and match[2] is None:
        return int(cell)
    return float(cell) if math.isfinite(float(cell)) else cell


def json_rows(path: str, limits: ImageLimits) -> Iterator[Numbered]:
    """Objects of a JSON lines file with their line numbers; empty lines are left out.

    What stands in an object under ``attributes`` is put beside its other keys.
    """
    for number, line in read_lines(path, limits):
        if line.strip():
            yield number, _json_row(line)


def _json_row(line: str) -> Row | InvalidManifest:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return InvalidManifest(f"the line is no JSON ({error})", remedy="mend the line")
    if not isinstance(row, dict):
        return InvalidManifest("the line is no JSON object", remedy="mend the line")
    attributes = row.pop("attributes", None) or {}
    if not isinstance(attributes, dict):
        return InvalidManifest("'attributes' is no JSON object", remedy="mend the line")
    return {**attributes, **row}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def parquet_rows(path: str, limits: ImageLimits) -> Iterator[Numbered]:  # noqa: ARG001 - like its siblings
    """Rows of a Parquet file with their numbers from 1; empty values are left out.

    Raises:
        MissingExtra: pyarrow is not installed.
        InvalidManifest: not a Parquet file, damaged, or without a column ``image``.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("reading a Parquet manifest", "parquet") from error
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _column_names(file.schema_arrow.names, path)
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {k: v for k, v in _plain(row) if v is not None}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InvalidManifest(
            f"{shown(path)} can't be read after row {number} ({reason})"
        ) from error


def _plain(row: Row) -> Iterator[tuple[str, object]]:
    """Names and values, with the types that Parquet has beyond JSON's as text or numbers."""
    for name, value in row.items():
        short = name.strip().lower()
        key = short if short in _RECOGNISED else name.strip()
        if isinstance(value, decimal.Decimal):
            yield key, float(value)
        elif isinstance(value, datetime.date | datetime.time):
            yield key, value.isoformat()
        elif isinstance(value, float) and not math.isfinite(value):
            yield key, None
        else:
            yield key, value
