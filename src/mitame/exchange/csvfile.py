"""CSV: ``key,f1,f2,...`` as gannoy's converter takes it, or with a header and more columns.

Every line is a row: texts with line ends don't fit in.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mitame.collection import check_attributes
from mitame.errors import InvalidFile, InvalidVector, MitameError, UsageError
from mitame.exchange.jsonlines import parse_object
from mitame.exchange.lines import text_lines
from mitame.exchange.row import RefusedRow, Row, Rows, in_blocks, narrowed, rows_per_block
from mitame.exchange.writing import (
    is_text,
    number_texts,
    whole_file,
    with_dimension,
    written_id,
    written_vector,
)

_NUMBERED = re.compile(r"(.*?)(\d{1,6})")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
_MAX_CELL = 131_072
"""Characters that Python's csv module reads in a cell."""


@dataclass(frozen=True)
class _Columns:
    """Which column is what.

    Attributes:
        names: of the header; None where there is none: then all but the first are numbers.
        delimiter: between the cells.
        key: the id's column.
        vector: columns of the vector, in order.
    """

    names: list[str] | None
    delimiter: str
    key: int
    vector: list[int]


def read_csv(path: Path) -> Rows:
    """The rows of a CSV file; delimiter ``,``, ``;`` or tab, whichever the first line has most of.

    A first line with a cell that is no number, beyond the first, is a header, and so is one that
    begins with ``id``, ``key`` or nothing. The vector's columns are then those with a name and a
    number that counts up (``f1``, ``f2``, ...; ``0``, ``1``, ...), ``id`` or ``key`` (or the
    first column) is the id, ``category`` the category, and ``attributes`` holds a JSON object;
    other columns are attributes.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: it has no columns of numbers.
    """
    columns = _columns(path)
    size = rows_per_block(64 * len(columns.vector))
    return Rows(
        path.name,
        "csv",
        lambda: in_blocks(_rows(path, columns), size),
        dimension=len(columns.vector),
        unit="line",
    )


def _columns(path: Path) -> _Columns:
    _, first = next(text_lines(path), (0, ""))
    if isinstance(first, MitameError):
        raise InvalidFile(f"{path.name}, line 1: {first.message}", remedy=first.remedy)
    delimiter = max(",;\t", key=first.count)
    cells = [cell.strip() for cell in _cells(first, delimiter)]
    named = cells[0].lower() in ("", "id", "key")  # a data frame's index has no name
    if len(cells) > 1 and not named and all(map(_is_number, cells[1:])):
        return _Columns(None, delimiter, 0, list(range(1, len(cells))))
    return _headed(cells, delimiter, path.name)


def _headed(names: list[str], delimiter: str, file: str) -> _Columns:
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidFile(f"{file} has the column {min(twice)!r} twice", remedy="rename one")
    lower = [name.lower() for name in names]
    key = next((lower.index(name) for name in ("id", "key") if name in lower), 0)
    vector = _counting(names, key)
    if not vector:
        raise InvalidFile(
            f"{file} has no columns of a vector",
            remedy="write rows like KEY,F1,F2,... or a header like id,f1,f2,...",
        )
    return _Columns(names, delimiter, key, vector)


def _counting(names: Sequence[str], key: int) -> list[int]:
    """The most columns that share a name and count up from 0 or 1, in counting order."""
    groups: dict[str, dict[int, int]] = {}
    for place, name in enumerate(names):
        if place != key and (match := _NUMBERED.fullmatch(name)):
            groups.setdefault(match[1], {})[int(match[2])] = place
    counting = [
        [places[number] for number in sorted(places)]
        for places in groups.values()
        if sorted(places) == list(range(min(places), min(places) + len(places)))
        and min(places) in (0, 1)
    ]
    return max(counting, key=len, default=[])


def _rows(path: Path, columns: _Columns) -> Iterator[Row | RefusedRow]:
    skipped = 0 if columns.names is None else 1
    for number, line in islice(text_lines(path), skipped, None):
        try:
            if isinstance(line, MitameError):
                raise line
            if line.strip():
                yield _row(number, _cells(line, columns.delimiter), columns)
        except MitameError as error:
            yield RefusedRow(number, error)


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InvalidFile(f"the line is no CSV ({error})", remedy="mend its quotes") from error


def _row(number: int, cells: list[str], columns: _Columns) -> Row:
    if columns.names is None:
        return Row(cells[0].strip(), _vector(cells[1:]), number=number)
    if len(cells) != len(columns.names):
        raise InvalidFile(f"the line has {len(cells)} cells under {len(columns.names)} columns")
    taken = {columns.key, *columns.vector}
    rest = {name: cells[i] for i, name in enumerate(columns.names) if i not in taken and cells[i]}
    category, attributes = rest.pop("category", None), rest.pop("attributes", "{}")
    own = {name: _scalar(cell) for name, cell in rest.items()}
    vector = _vector([cells[i] for i in columns.vector])
    return Row(cells[columns.key], vector, category, {**own, **parse_object(attributes)}, number)


def _vector(cells: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError as error:
        raise InvalidVector(f"not a number ({error})", remedy="mend the line") from error
    if any("_" in cell for cell in cells):  # Python reads 1_0 as 10; nobody else does
        raise InvalidVector("a number has '_' in it", remedy="mend the line")
    return narrowed(np.array(numbers, np.float64))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _scalar(cell: str) -> str | int | float | bool:
    """A cell as a number or boolean if it is written like one; ``007`` and ``1e999`` stay text."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _DECIMAL.fullmatch(cell) and math.isfinite(float(cell)):
        return float(cell)
    return cell


def write_csv(rows: Rows | Iterable[Row], path: Path) -> None:
    """Columns ``id,f1,...,category,attributes``, the last a JSON object; whole or not at all.

    Raises:
        InvalidVector: a row without a vector, or with another dimension.
        UsageError: a category with line ends, or attributes too long for a cell.
        StorageError: the disk does not let us.
    """
    dimension, iterator = with_dimension(rows)
    width = dimension or 0
    head = ["id", *(f"f{i}" for i in range(1, width + 1)), "category", "attributes"]
    with whole_file(path) as file:
        file.write(f"{','.join(head)}\n".encode())
        for row in iterator:
            file.write(_line(row, width).encode())


def _line(row: Row, dimension: int) -> str:
    attributes = check_attributes(row.attributes)
    text = json.dumps(attributes) if attributes else ""
    name, category = written_id(row), row.category or ""
    if len(text) > _MAX_CELL or not _fits(category):
        raise UsageError(
            f"item {name[:80]!r} does not fit in a line of CSV",
            remedy="write JSON lines or Parquet",
        )
    numbers = ",".join(number_texts(written_vector(row, dimension)))
    return f"{_quoted([name])},{numbers},{_quoted([category, text])}\n"


def _fits(category: str) -> bool:
    return is_text(category) and not any(end in category for end in "\r\n\0")


def _quoted(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
