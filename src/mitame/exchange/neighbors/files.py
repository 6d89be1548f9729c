"""Lists in files, which appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from mitame.errors import UsageError
from mitame.exchange.neighbors.listing import NeighborsOf
from mitame.exchange.parquet import pyarrow_for
from mitame.exchange.writing import whole_file

COLUMNS = ("item", "rank", "neighbor", "distance", "score", "category")
_ITEMS_PER_GROUP = 2_000
Row: TypeAlias = tuple[str, int, str, float, float, str | None]


def table_rows(found: NeighborsOf) -> Iterator[Row]:
    """A row per neighbour, as `COLUMNS` says; ranks begin at 1."""
    for rank, each in enumerate(found.neighbors, 1):
        yield found.id, rank, each.id, each.distance, each.score, each.category


def write_file(found: Iterator[NeighborsOf], path: Path) -> None:
    """Write lists to a file of the format that its name's ending says.

    Raises:
        UsageError: another ending.
        MissingExtra: Parquet without pyarrow.
        StorageError: the disk does not let us; what was there stays.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(
            f"the name {path.name!r} tells no format", remedy=f"end it in {', '.join(_WRITERS)}"
        )
    writer(found, path)


def _write_json_lines(found: Iterator[NeighborsOf], path: Path) -> None:
    with whole_file(path) as file:
        for each in found:
            body = {"item": each.id, "neighbors": [one.to_json() for one in each.neighbors]}
            file.write(f"{json.dumps(body)}\n".encode())


def _write_csv(found: Iterator[NeighborsOf], path: Path) -> None:
    with whole_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in found:
            writer.writerows(table_rows(each))
        text.flush()
        text.detach()  # the file is synced and closed by its maker


def _write_parquet(found: Iterator[NeighborsOf], path: Path) -> None:
    arrow = pyarrow_for("writing Parquet")
    text, real = arrow.string(), arrow.float64()
    types = (text, arrow.int32(), text, real, real, text)
    schema = arrow.schema(list(zip(COLUMNS, types, strict=True)))
    with whole_file(path) as file, arrow.parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(found, _ITEMS_PER_GROUP)):
            writer.write_batch(_batch(group, schema, arrow))


def _batch(group: Iterable[NeighborsOf], schema: Any, arrow: ModuleType) -> Any:
    rows = [row for each in group for row in table_rows(each)]
    columns = zip(*rows, strict=True) if rows else [() for _ in COLUMNS]
    arrays = [
        arrow.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)
    ]
    return arrow.record_batch(arrays, schema=schema)


_WRITERS: Mapping[str, Callable[[Iterator[NeighborsOf], Path], None]] = {
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".csv": _write_csv,
}
