"""Parquet: columns ``id``, ``vector``, ``category``; ``attributes`` as JSON; others are attributes.

Needs pyarrow, the extra ``parquet``.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.collection import check_attributes
from mitame.errors import InvalidFile, InvalidVector, MissingExtra, MitameError, UsageError
from mitame.exchange.jsonlines import parse_object, row_category, row_id
from mitame.exchange.row import Block, RefusedRow, Row, Rows, in_blocks, narrowed, rows_per_block
from mitame.exchange.writing import is_text, whole_file, with_dimension, written_id, written_vector

Column = NDArray[np.float32] | list[NDArray[np.float32] | None]


def read_parquet(path: Path) -> Rows:
    """The rows of a Parquet file.

    ``vector`` is a list (of fixed size or not) of floats, or a tensor column that is stored as
    one. Dates become text, decimals numbers; empty values are left out.

    Raises:
        MissingExtra: pyarrow is not installed.
        InvalidFile: damaged, not Parquet, or without these columns.
    """
    arrow = pyarrow_for("reading Parquet")
    schema, total = _schema(path, arrow)
    dimension = _dimension(path, schema, arrow)
    size = rows_per_block(4 * (dimension or 1_024))
    return Rows(path.name, "parquet", lambda: _blocks(path, size), dimension=dimension, total=total)


def pyarrow_for(what: str) -> ModuleType:
    """pyarrow, with its part for Parquet.

    Raises:
        MissingExtra: it is not installed; `what` needs it.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(what, "parquet") from error
    module: ModuleType = pyarrow
    return module


def _schema(path: Path, arrow: ModuleType) -> tuple[Any, int]:
    """The schema, checked, and the number of rows."""
    try:
        with arrow.parquet.ParquetFile(path) as file:
            schema, total = file.schema_arrow, int(file.metadata.num_rows)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    for name in ("id", "vector"):
        if schema.names.count(name) != 1:
            raise InvalidFile(
                f"{path.name} has no column {name!r}, or several",
                remedy="it needs id and vector; category and attributes are optional",
            )
    return schema, total


def _dimension(path: Path, schema: Any, arrow: ModuleType) -> int | None:
    """From the type, or from the first vector."""
    kind = schema.field("vector").type
    stored = kind.storage_type if isinstance(kind, arrow.BaseExtensionType) else kind
    if arrow.types.is_fixed_size_list(stored):
        return int(stored.list_size)
    for block in _blocks(path, 1, ["id", "vector"]):
        for row in block:
            if isinstance(row, Row) and row.vector is not None:
                return len(row.vector)
        break
    return None


def _blocks(path: Path, size: int, columns: list[str] | None = None) -> Iterator[Block]:
    arrow = pyarrow_for("reading Parquet")
    number = 0
    try:
        with arrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(size, columns=columns):
                yield _block(batch, number, arrow)
                number += batch.num_rows
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InvalidFile:
    reason = " ".join(str(error).split())[:200]
    return InvalidFile(f"{path.name} can't be read as Parquet ({reason})")


def _block(batch: Any, first: int, arrow: ModuleType) -> Block:
    vectors = _vectors(batch.column("vector"), arrow)
    others = batch.drop_columns(["vector"]).to_pylist()
    block: Block = []
    for number, (body, vector) in enumerate(zip(others, vectors, strict=True), first):
        try:
            block.append(_row(number, body, vector))
        except MitameError as error:
            block.append(RefusedRow(number, error))
    return block


def _row(number: int, body: dict[str, Any], vector: NDArray[np.float32] | None) -> Row:
    name, category = row_id(body.pop("id")), row_category(body.pop("category", None))
    given = body.pop("attributes", None)
    if isinstance(given, str):
        given = parse_object(given)
    elif given is not None and not isinstance(given, dict):
        raise InvalidFile("'attributes' is neither JSON nor a struct", remedy="write JSON")
    return Row(name, vector, category, {**_plain(body), **(given or {})}, number)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Values that are there, those of types that JSON has not as text or numbers."""
    plain: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, decimal.Decimal):
            plain[name] = float(value)
        elif isinstance(value, datetime.date | datetime.time):
            plain[name] = value.isoformat()
        elif value is not None and not (isinstance(value, float) and math.isnan(value)):
            plain[name] = value
    return plain


def _vectors(column: Any, arrow: ModuleType) -> Column:
    """float32[rows, dim], or a list where rows differ or some have no vector."""
    if isinstance(column, arrow.ExtensionArray):
        column = column.storage
    kind = column.type
    is_list = arrow.types.is_list(kind) or arrow.types.is_large_list(kind)
    if not (is_list or arrow.types.is_fixed_size_list(kind)) or not _is_number(kind, arrow):
        raise InvalidFile(
            f"the column 'vector' is {kind}, not a list of floats", remedy="write list<float>"
        )
    lengths = {n for n in column.value_lengths().to_pylist() if n} if is_list else {kind.list_size}
    flat = column.flatten()
    if column.null_count == 0 and flat.null_count == 0 and len(lengths) == 1:
        (length,) = lengths
        if len(flat) == length * len(column):
            return narrowed(flat.to_numpy(zero_copy_only=False)).reshape(-1, length)
    return [_one(value.as_py()) for value in column]


def _is_number(kind: Any, arrow: ModuleType) -> bool:
    inner = kind.value_type
    return bool(arrow.types.is_floating(inner) or arrow.types.is_integer(inner))


def _one(value: list[float | None] | None) -> NDArray[np.float32] | None:
    # A hole in a vector becomes NaN, which is refused with its row later on.
    return None if value is None else narrowed(np.array(value, np.float64))


def write_parquet(rows: Rows | Iterable[Row], path: Path) -> None:
    """Columns ``id``, ``vector`` (fixed-size list of float32), ``category``, ``attributes`` (JSON).

    Raises:
        MissingExtra: pyarrow is not installed.
        InvalidVector, UsageError: a row can't be written; nothing is left behind.
        StorageError: the disk does not let us.
    """
    arrow = pyarrow_for("writing Parquet")
    dimension, iterator = with_dimension(rows)
    size = rows_per_block(4 * (dimension or 1))
    floats = arrow.list_(arrow.field("element", arrow.float32()), dimension or -1)
    text = arrow.string()
    schema = arrow.schema(
        [("id", text), ("vector", floats), ("category", text), ("attributes", text)]
    )
    try:
        with whole_file(path) as file, arrow.parquet.ParquetWriter(file, schema) as writer:
            for block in in_blocks(iterator, size):
                writer.write_batch(_batch(block, dimension, schema, arrow))
    except arrow.ArrowException as error:
        raise InvalidVector(f"{path.name} can't be written ({error})") from error


def _batch(block: Block, dimension: int | None, schema: Any, arrow: ModuleType) -> Any:
    rows = [row for row in block if isinstance(row, Row)]
    vectors = [
        None if row.vector is None or dimension is None else written_vector(row, dimension)
        for row in rows
    ]
    columns = [
        [written_id(row) for row in rows],
        vectors,
        [_text(row.category) for row in rows],
        [json.dumps(check_attributes(row.attributes)) for row in rows],
    ]
    arrays = [arrow.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return arrow.record_batch(arrays, schema=schema)


def _text(value: str | None) -> str | None:
    if value is not None and not is_text(value):
        raise UsageError(f"{value!r:.80} is no text that Parquet can hold")
    return value
