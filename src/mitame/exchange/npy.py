"""``X.npy``, float[rows, dim], with ``X.ids.txt`` and ``X.attributes.jsonl`` beside it."""

from __future__ import annotations

import json
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from mitame.collection import check_attributes
from mitame.errors import InvalidFile, MitameError, StorageError
from mitame.exchange.binary import unreadable
from mitame.exchange.jsonlines import parse_object, row_attributes, row_category, row_id
from mitame.exchange.lines import text_lines
from mitame.exchange.row import Block, Row, Rows, narrowed, rows_per_block
from mitame.exchange.writing import whole_file, with_dimension, written_id, written_vector

MAX_JSON_BYTES = 256 << 20
"""Of a JSON list of ids, which is read whole; text files are read line by line."""

_BAD_HEADER = (
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    OverflowError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)
"""What numpy raises at headers that are none; all of them mean the same here."""

_IDS = (".ids.txt", ".ids.json", ".ids.npy", ".txt", ".json")
_ATTRIBUTES = ".attributes.jsonl"


def read_npy(path: Path, *, ids: Path | None = None) -> Rows:
    """The rows of an array file, mapped; float16, float32 or float64.

    Args:
        path: the array.
        ids: its ids: a text file with one a line, a JSON list, or an array of integers or
            texts. Looked for beside the array where left out, as ``X.ids.txt``, ``X.ids.json``,
            ``X.ids.npy``, ``X.txt`` and ``X.json``; row numbers where there is none.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: not such an array, or its ids are not as many as its rows.
    """
    vectors = _mapped(path)
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or vectors.dtype.itemsize > 8:
        raise InvalidFile(
            f"{path.name} is {vectors.dtype}{list(vectors.shape)}, not an array of vectors",
            remedy="save float32[rows, dim]",
        )
    beside = [path.with_suffix(suffix) for suffix in _IDS]
    found = ids or next((each for each in beside if each.is_file()), None)
    attributes = path.with_suffix(_ATTRIBUTES)
    more = attributes if attributes.is_file() else None
    for file in filter(None, (found, more)):
        _check_count(file, path.name, len(vectors))
    return Rows(
        path.name,
        "npy",
        lambda: _blocks(path, found, more),
        dimension=vectors.shape[1],
        total=len(vectors),
        unique=found is None,
    )


def _mapped(path: Path) -> NDArray[Any]:
    """The array of a .npy file, without unpickling; an empty one is made anew.

    Numpy's parser is asked for nothing but the header, which it reads as a literal.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = _header(file)
            offset, size = file.tell(), path.stat().st_size
            if any(n < 0 for n in shape) or dtype.hasobject or dtype.itemsize == 0:
                raise ValueError("no plain array")
            if 0 in shape:
                return np.empty(shape, dtype)
            count = 1
            for n in shape:
                count *= int(n)
            if offset + count * dtype.itemsize > size:
                raise InvalidFile(f"{path.name} is cut off: its header announces {shape}")
            flat = np.memmap(path, dtype, mode="r", offset=offset, shape=(count,))
            return flat.reshape(shape, order="F" if fortran else "C")
    except OSError as error:
        raise unreadable(path.name, error) from error
    except _BAD_HEADER as error:
        raise InvalidFile(
            f"{path.name} is not a .npy file of numbers", remedy="save it with numpy.save"
        ) from error


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(file)
    if version == (1, 0):
        return npy_format.read_array_header_1_0(file)
    if version == (2, 0):
        return npy_format.read_array_header_2_0(file)
    raise ValueError(f"version {version}")


def _check_count(file: Path, name: str, rows: int) -> None:
    """Before the first row is taken: does what lies beside belong to this array?"""
    lines = text_lines(file) if file.name.endswith(_ATTRIBUTES) else _read_ids(file)
    count = sum(1 for _ in lines)
    if count != rows:
        raise InvalidFile(
            f"{file.name} has {count} entries for the {rows} rows of {name}",
            remedy="give one for each row, or remove the file",
        )


def _blocks(path: Path, ids: Path | None, attributes: Path | None) -> Iterator[Block]:
    vectors = _mapped(path)
    names = map(str, range(len(vectors))) if ids is None else _read_ids(ids)
    more = repeat((None, {})) if attributes is None else _attributes(attributes)
    step = rows_per_block(vectors.dtype.itemsize * vectors.shape[1])
    for start in range(0, len(vectors), step):
        # The vectors come first: zip takes one more of the others at a block's end otherwise.
        together = zip(narrowed(vectors[start : start + step]), names, more, strict=False)
        yield [
            Row(name, vector, category, fields, number)
            for number, (vector, name, (category, fields)) in enumerate(together, start)
        ]


def _read_ids(path: Path) -> Iterator[str]:
    if path.suffix == ".npy":
        return _ids_of_array(path)
    if path.suffix == ".json":
        return _ids_of_list(path)
    return _ids_of_text(path)


def _ids_of_text(path: Path) -> Iterator[str]:
    for number, line in text_lines(path):
        if isinstance(line, MitameError):
            raise InvalidFile(f"{path.name}, line {number}: {line.message}", remedy=line.remedy)
        yield line


def _ids_of_list(path: Path) -> Iterator[str]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InvalidFile(f"{path.name} is too large for a JSON list", remedy="use a .txt")
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise unreadable(path.name, error) from error
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"{path.name} is not JSON ({error})") from error
    if not isinstance(values, list):
        raise InvalidFile(f"{path.name} is no JSON list of ids", remedy="write a list")
    return map(row_id, values)


def _ids_of_array(path: Path) -> Iterator[str]:
    values = _mapped(path)
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        raise InvalidFile(
            f"{path.name} is {values.dtype}{list(values.shape)}, not an array of ids",
            remedy="save integers or texts, one a row",
        )
    return map(str, values)


def _attributes(path: Path) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Category and attributes for each row."""
    for number, line in text_lines(path):
        try:
            if isinstance(line, MitameError):
                raise line
            body = parse_object(line)
            yield row_category(body.get("category")), row_attributes(body.get("attributes"))
        except MitameError as error:
            raise InvalidFile(
                f"{path.name}, line {number}: {error.message}", remedy=error.remedy
            ) from error


def write_npy(rows: Rows | Iterable[Row], path: Path) -> None:
    """``X.npy``, ``X.ids.txt`` and, where a row has any, ``X.attributes.jsonl``.

    Each file appears whole or not at all; the array comes last, so that a crash in between leaves
    no array or the old one. An older ``X.attributes.jsonl`` is removed where it does not belong.

    Raises:
        InvalidVector: a row without a vector, or with another dimension.
        StorageError: the disk does not let us.
    """
    dimension, iterator = with_dimension(rows)
    attributes = path.with_suffix(_ATTRIBUTES)
    with ExitStack() as beside, whole_file(path) as array:
        ids = beside.enter_context(whole_file(path.with_suffix(".ids.txt")))
        more = beside.enter_context(whole_file(attributes))
        some = _write_rows(iterator, dimension or 0, array, ids, more)
        beside.close()
        if not some:
            _remove(attributes)


def _write_rows(
    rows: Iterator[Row], dimension: int, array: BinaryIO, ids: BinaryIO, more: BinaryIO
) -> bool:
    """Write all three; whether a row has a category or attributes."""
    some, count = False, 0
    _write_header(array, 0, dimension)
    for row in rows:
        array.write(written_vector(row, dimension).tobytes())
        ids.write(f"{written_id(row)}\n".encode())
        body = {"category": row.category, "attributes": check_attributes(row.attributes)}
        more.write(f"{json.dumps({'id': row.id, **body})}\n".encode())
        some = some or row.category is not None or bool(row.attributes)
        count += 1
    _write_header(array, count, dimension)
    return some


def _write_header(file: BinaryIO, rows: int, dimension: int) -> None:
    """Numpy keeps room for the number of rows to grow, so that the length stays the same."""
    file.seek(0)
    shape = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    npy_format.write_array_header_1_0(file, shape)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"can't remove {path.name} ({error.strerror or error})") from error
