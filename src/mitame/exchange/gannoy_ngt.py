"""Databases of gannoy's later years: an NGT index with two files beside it.

``NAME/`` is the index, ``NAME.map`` has lines ``key,object`` and ``NAME.bin`` is an SQLite
database of what was not applied yet: per key an action and the JSON that was sent. The vectors
are read by NGT's own library.
"""

from __future__ import annotations

import csv
import importlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mitame.errors import InvalidFile, MissingExtra
from mitame.exchange.binary import unreadable
from mitame.exchange.row import Block, RefusedRow, Row, Rows, in_blocks, narrowed, rows_per_block

MAP, LOG = ".map", ".bin"
_DELETE = 1
_PROPERTIES = "prf"
_DISTANCES: Mapping[str, Any] = {"L2": "euclidean", "Angle": "cosine", "NormalizedAngle": "cosine"}


def is_gannoy_ngt(path: Path) -> bool:
    """Whether a path is that of such a database."""
    return (path / _PROPERTIES).is_file() and _beside(path, MAP).is_file()


def read_gannoy_ngt(path: Path) -> Rows:
    """The items of a database by their keys, with what was not applied yet.

    Args:
        path: of the index's directory.

    Raises:
        MissingExtra: NGT's library is not installed.
        UnreadableFile, InvalidFile: they are no such files.
    """
    properties = _properties(path)
    try:
        dimension = int(properties["Dimension"])
    except (KeyError, ValueError):
        raise InvalidFile(f"{path.name}/{_PROPERTIES} tells no dimension") from None
    try:
        library = importlib.import_module("ngtpy")
    except ImportError:
        raise MissingExtra("gannoy's NGT index", "ngt") from None
    keys, pending = _keys(path), _pending(path)
    return Rows(
        path.name,
        "gannoy",
        partial(_blocks, library, path, keys, pending, 4 * dimension),
        dimension=dimension,
        distance=_DISTANCES.get(properties.get("DistanceType", "")),
        total=len({*keys, *pending}),
        unique=True,
    )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _properties(path: Path) -> dict[str, str]:
    try:
        lines = (path / _PROPERTIES).read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise unreadable(f"{path.name}/{_PROPERTIES}", error) from error
    return {name: value for name, _, value in (line.partition("\t") for line in lines)}


def _keys(path: Path) -> dict[int, int]:
    """The object of each key."""
    place = _beside(path, MAP)
    try:
        with place.open(encoding="utf-8", newline="") as file:
            return {int(key): int(number) for key, number, *_ in csv.reader(file)}
    except OSError as error:
        raise unreadable(place.name, error) from error
    except (ValueError, csv.Error) as error:
        raise InvalidFile(f"{place.name} has a line that is not KEY,OBJECT") from error


def _pending(path: Path) -> dict[int, bytes | None]:
    """What was sent for each key and is not applied yet; None where it was deleted."""
    place = _beside(path, LOG)
    if not place.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as log:
            rows = log.execute("SELECT key, action, features FROM features").fetchall()
    except sqlite3.Error as error:
        raise InvalidFile(f"{place.name} is no log of gannoy's ({error})") from error
    return {int(key): None if action == _DELETE else _bytes(sent) for key, action, sent in rows}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _blocks(
    library: Any, path: Path, keys: dict[int, int], pending: dict[int, bytes | None], width: int
) -> Iterator[Block]:
    rows = _rows(library, path, keys, pending)
    return in_blocks(rows, rows_per_block(width))


def _rows(
    library: Any, path: Path, keys: dict[int, int], pending: dict[int, bytes | None]
) -> Iterator[Row | RefusedRow]:
    try:
        index = library.Index(str(path), read_only=True, zero_based_numbering=False)
    except Exception as error:  # the library's own kinds
        raise InvalidFile(f"NGT can't open {path.name}: {str(error)[:200]}") from error
    with closing(index):
        for key, number in keys.items():
            if key not in pending:
                yield _stored(index, key, number)
    for key, sent in pending.items():
        if sent is not None:
            yield _sent(key, sent)


def _stored(index: Any, key: int, number: int) -> Row | RefusedRow:
    try:
        vector = narrowed(np.asarray(index.get_object(number)))
    except Exception as error:  # the library's own kinds; the other rows are read
        return RefusedRow(key, InvalidFile(f"key {key} can't be read: {str(error)[:200]}"))
    return Row(str(key), vector, number=key)


def _sent(key: int, sent: bytes) -> Row | RefusedRow:
    try:
        vector = np.asarray(json.loads(sent)["features"], np.float64)
    except (ValueError, TypeError, KeyError):
        return RefusedRow(key, InvalidFile(f"key {key} was sent something without features"))
    return Row(str(key), narrowed(vector), number=key)
