"""JSON lines: ``{"id": ..., "vector": [...], "category": ..., "attributes": {...}}``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import check_attributes
from mitame.errors import InvalidFile, InvalidVector, MitameError
from mitame.exchange.lines import text_lines
from mitame.exchange.row import RefusedRow, Row, Rows, in_blocks, narrowed, rows_per_block
from mitame.exchange.writing import (
    number_texts,
    whole_file,
    with_dimension,
    written_id,
    written_vector,
)

_PEEKED_LINES = 100


def read_json_lines(path: Path) -> Rows:
    """The objects of a file; keys beside the four are attributes, too.

    The dimension is the one of the first vector, looked for in the first lines.

    Raises:
        UnreadableFile: it can't be opened.
    """
    dimension = _peeked_dimension(path)
    size = rows_per_block(4 * (dimension or 1))
    return Rows(
        path.name,
        "jsonl",
        lambda: in_blocks(json_rows(path), size),
        dimension=dimension,
        unit="line",
    )


def json_rows(path: Path) -> Iterator[Row | RefusedRow]:
    """Rows one by one."""
    for number, line in text_lines(path):
        try:
            if isinstance(line, MitameError):
                raise line
            if line.strip():
                yield _row(number, parse_object(line))
        except MitameError as error:
            yield RefusedRow(number, error)


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object, strictly: without NaN and infinity.

    Raises:
        InvalidFile: it is none.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"not JSON ({error})", remedy="mend the line") from error
    if not isinstance(value, dict):
        raise InvalidFile("not a JSON object", remedy="mend the line")
    return value


def row_id(value: object) -> str:
    """An id that is a string, or an integer as its digits.

    Raises:
        InvalidFile: there is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InvalidFile("the row has no id", remedy="give it a string or an integer")
    return value


def row_category(value: object) -> str | None:
    """A category that is a string or None.

    Raises:
        InvalidFile: it is something else.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidFile(f"the category {value!r:.80} is no text", remedy="make it a string")
    return value


def row_attributes(value: object) -> dict[str, Any]:
    """Attributes that are an object or None.

    Raises:
        InvalidFile: they are something else.
    """
    if value is not None and not isinstance(value, dict):
        raise InvalidFile("'attributes' is no JSON object", remedy="mend the row")
    return value or {}


def _row(number: int, body: dict[str, Any]) -> Row:
    name, vector = body.pop("id", None), body.pop("vector", None)
    category, attributes = body.pop("category", None), body.pop("attributes", None)
    return Row(
        row_id(name),
        None if vector is None else _vector(vector),
        row_category(category),
        {**body, **row_attributes(attributes)},
        number,
    )


def _vector(value: object) -> NDArray[np.float32]:
    # Not left to numpy, which takes true for 1 and reads numbers out of texts.
    if not isinstance(value, list) or not value or not set(map(type, value)) <= {int, float}:
        raise InvalidVector("'vector' is no list of numbers", remedy="mend the row")
    try:
        return narrowed(np.array(value, np.float64))
    except OverflowError as error:
        raise InvalidVector("a number is too large for float32") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _peeked_dimension(path: Path) -> int | None:
    for row, _ in zip(json_rows(path), range(_PEEKED_LINES), strict=False):
        if isinstance(row, Row) and row.vector is not None:
            return len(row.vector)
    return None


def write_json_lines(rows: Rows | Iterable[Row], path: Path) -> None:
    """One object per row; the file appears whole or not at all.

    Raises:
        InvalidVector, UsageError: a row can't be written; nothing is left behind.
        StorageError: the disk does not let us.
    """
    dimension, iterator = with_dimension(rows)
    with whole_file(path) as file:
        for row in iterator:
            file.write(f"{_line(row, dimension)}\n".encode())


def _line(row: Row, dimension: int | None) -> str:
    vector = "null"
    if row.vector is not None and dimension is not None:
        vector = f"[{','.join(number_texts(written_vector(row, dimension)))}]"
    rest = {"category": row.category, "attributes": check_attributes(row.attributes)}
    # ASCII, so that half characters in a text survive as JSON's escapes.
    return f'{{"id":{json.dumps(written_id(row))},"vector":{vector},{json.dumps(rest)[1:]}'
