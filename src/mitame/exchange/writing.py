"""A file that appears whole or not at all, and what every writer checks of a row."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mitame.collection import check_id
from mitame.distances import check_vector
from mitame.errors import InvalidVector, StorageError
from mitame.exchange.row import Row, Rows


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file written beside its place, synced, and renamed to it when the block ends well.

    Raises:
        StorageError: the disk does not let us.
    """
    building = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with building.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            building.replace(path)
        finally:
            building.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"can't write {path.name} ({error.strerror or error})",
            remedy="check that the folder exists, is writable and has room",
        ) from error


def with_dimension(rows: Rows | Iterable[Row]) -> tuple[int | None, Iterator[Row]]:
    """The dimension, from the file or the first row that has a vector, and all rows.

    Rows without a vector before that are held meanwhile.
    """
    iterator = iter(rows)
    if isinstance(rows, Rows) and rows.dimension is not None:
        return rows.dimension, iterator
    held: list[Row] = []
    for row in iterator:
        held.append(row)
        if row.vector is not None:
            return len(row.vector), chain(held, iterator)
    return None, iter(held)


def written_id(row: Row) -> str:
    """The row's id, checked: an id with a line end would break a text file.

    Raises:
        InvalidId: it can't be one.
    """
    return check_id(row.id)


def written_vector(row: Row, dimension: int) -> NDArray[np.float32]:
    """The row's vector, float32[dimension].

    Raises:
        InvalidVector: none, of another dimension, NaN or infinity.
    """
    if row.vector is None:
        raise InvalidVector(
            f"item {row.id[:80]!r} has no vector", remedy="write JSON lines or Parquet"
        )
    try:
        return check_vector(row.vector, dimension)
    except InvalidVector as error:
        raise InvalidVector(f"item {row.id[:80]!r}: {error.message}") from error


def is_text(value: str) -> bool:
    """Whether it has no half characters, which UTF-8 does not hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def number_texts(vector: NDArray[np.float32]) -> list[str]:
    """Each number in nine significant digits, which give the same float32 back.

    (Nine digits are enough for every float32: Goldberg, What every computer scientist should
    know about floating-point arithmetic, 1991, theorem 15.) Minus zero keeps its sign as ``-0.0``,
    since JSON's ``-0`` is read as an integer.
    """
    texts = list(map("%.9g".__mod__, vector.tolist()))
    return ["-0.0" if text == "-0" else text for text in texts]
