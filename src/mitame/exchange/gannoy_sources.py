"""What gannoy's converter takes: CSV, annoy indexes, and gannoy's own databases of both kinds.

Whatever it is, its rows have integers as keys: a row with another one is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mitame.errors import InvalidFile, InvalidId, MitameError, UsageError
from mitame.exchange.binary import unreadable
from mitame.exchange.formats import read
from mitame.exchange.gannoy import database_files, read_gannoy
from mitame.exchange.gannoy_ngt import is_gannoy_ngt, read_gannoy_ngt
from mitame.exchange.row import Block, ItemType, Metric, RefusedRow, Row, Rows

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_LARGEST = 2**63


def read_source(
    path: Path,
    *,
    dimension: int | None = None,
    metric: Metric | None = None,
    item_type: ItemType | None = None,
    keys: Path | None = None,
) -> Rows:
    """The rows of a source of gannoy's converter, with keys that are 64-bit integers.

    Args:
        path: a file, or a gannoy database by its ``.meta`` file, its directory or its bare name.
        dimension: of the vectors; annoy indexes need it, others are checked against it.
        metric: what to compare by; the source's own where None, and angular where it tells none.
        item_type: of an annoy index's numbers; told from its content where None.
        keys: CSV of ``KEY,NUMBER`` that says which key an annoy index's item has; its number
            where None.

    Raises:
        UsageError: no dimension for an annoy index, `keys` without one, or a database of another
            distance than there is here, and no `metric`.
        SourceError: a file can't be read.
        MissingExtra: the library that reads it is not installed.
    """
    rows = _rows(path, dimension, metric, item_type)
    if dimension not in (None, rows.dimension):
        raise InvalidFile(
            f"{rows.name} has vectors of {rows.dimension} dimensions, not {dimension}",
            remedy="leave out --dim",
        )
    if keys is None:
        return replace(rows, open_blocks=lambda: map(_checked, rows.blocks()))
    if rows.format != "annoy":
        raise UsageError(f"{rows.name} has keys of its own", remedy="leave out --map-path")
    known = _read_keys(keys)
    return replace(rows, open_blocks=lambda: _renamed(rows, known), unique=False)


def _rows(
    path: Path, dimension: int | None, metric: Metric | None, item_type: ItemType | None
) -> Rows:
    if path.is_dir() and is_gannoy_ngt(path):
        found = read_gannoy_ngt(path)
        if metric is None and found.distance is None:
            raise UsageError(
                f"{path.name} is of a distance that is not offered",
                remedy="say -D a (angle) or -D 2 (L2) to compare by another one from now on",
            )
        return found
    if not path.is_dir() and database_files(path) is not None:
        return read_gannoy(path)
    if path.is_dir():
        raise InvalidFile(f"{path.name} is no database of gannoy's", remedy="name its .meta file")
    return read(path, dimension=dimension, metric=metric or "angular", item_type=item_type)


def _checked(block: Block) -> Block:
    return [_with_key(row) if isinstance(row, Row) else row for row in block]


def _with_key(row: Row) -> Row | RefusedRow:
    """The row with its key as `str` writes it."""
    if _INTEGER.fullmatch(row.id) and -_LARGEST <= int(row.id) < _LARGEST:
        return replace(row, id=str(int(row.id)))
    error = InvalidId(f"the key {row.id[:80]!r} is no 64-bit integer", remedy="mend it")
    return RefusedRow(row.number, error)


def _renamed(rows: Rows, known: Mapping[int, str]) -> Iterator[Block]:
    for block in rows.blocks():
        yield _checked([_renamed_row(row, known) for row in block])


def _renamed_row(row: Row | RefusedRow, known: Mapping[int, str]) -> Row | RefusedRow:
    if isinstance(row, RefusedRow):
        return row
    key = known.get(row.number)
    if key is None:
        error: MitameError = InvalidFile(f"item {row.number} has no line in the file of keys")
        return RefusedRow(row.number, error)
    return replace(row, id=key)


def _read_keys(path: Path) -> dict[int, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {int(number): key.strip() for key, number, *_ in csv.reader(file)}
    except OSError as error:
        raise unreadable(path.name, error) from error
    except (ValueError, csv.Error) as error:
        raise InvalidFile(f"{path.name} has a line that is not KEY,NUMBER") from error
