"""Index files of faiss (index_write.cpp) that hold whole float32 vectors.

Read are flat indexes, id maps over them, inverted lists over flat vectors and HNSW graphs over
flat storage. Each part of a file begins with a code of four letters. Nothing is loaded but the
vectors and ids; every length is checked against the file's size before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.collection.lens import MAX_DIMENSION
from mitame.distances import Distance
from mitame.errors import InvalidFile
from mitame.exchange.binary import BinaryFile, Cursor
from mitame.exchange.row import Block, Row, Rows, narrowed, rows_per_block

SUPPORTED = "IndexFlat, IndexIVFFlat and IndexHNSWFlat, with or without IndexIDMap"

_FLAT = (b"IxFI", b"IxF2", b"IxFl")
_MAPS = (b"IxMp", b"IxM2")
_IVF_FLAT = b"IwFl"
_HNSW_FLAT = b"IHNf"
_DISTANCES: dict[int, Distance] = {0: "inner_product", 1: "euclidean"}
_MAX_DEPTH = 8
_ID = 8
_CHUNK = 1 << 16
"""Inverted lists whose sizes are read at a time."""
_NEAR = 1 << 16
"""Entries of an id map that may be read in vain to have those between them in one read."""


@dataclass(frozen=True)
class Lists:
    """Inverted lists: each its vectors, then its ids; their sizes are a vector of their own.

    Attributes:
        sizes: where the sizes begin (uint64), or the pairs of list and size.
        count: how many uint64 those are.
        sparse: they are pairs.
        data: where the first list begins.
    """

    sizes: int
    count: int
    sparse: bool
    data: int


@dataclass(frozen=True)
class Stored:
    """Where the vectors of an index are.

    Attributes:
        dimension: of them.
        total: how many.
        metric: faiss's number.
        place: of vectors in a row, numbered from 0, or inverted lists.
        maps: where the ids (int64[total]) of each id map are, the inner one first.
    """

    dimension: int
    total: int
    metric: int
    place: int | Lists
    maps: tuple[int, ...] = field(default=())


def is_faiss(head: bytes) -> bool:
    """Whether a file's first bytes are a code of faiss, supported or not."""
    return head[:2] in (b"Ix", b"Iw", b"IH", b"IN", b"Iv", b"IB", b"IP", b"IR", b"Im")


def read_faiss(path: Path) -> Rows:
    """The vectors of an index file; ids are the index's own.

    Raises:
        UnreadableFile: it can't be opened.
        InvalidFile: damaged, or a kind of index that does not hold whole vectors.
    """
    with BinaryFile(path) as file:
        stored = _index(Cursor(file), 0)
    return Rows(
        path.name,
        "faiss",
        lambda: _blocks(path, stored),
        dimension=stored.dimension,
        distance=_DISTANCES.get(stored.metric),
        total=stored.total,
        unique=isinstance(stored.place, int) and not stored.maps,
    )


def _index(cursor: Cursor, depth: int) -> Stored:
    """What an index at the cursor stores; moves the cursor past it."""
    if depth > _MAX_DEPTH:
        raise InvalidFile(f"{cursor.file.name} has indexes within indexes without end")
    (code,) = cursor.take("4s")
    if code in _FLAT:
        return _flat(cursor, _header(cursor))
    if code in _MAPS:
        return _id_map(cursor, _header(cursor), depth)
    if code == _IVF_FLAT:
        return _inverted(cursor, _header(cursor), depth)
    if code == _HNSW_FLAT:
        return _hnsw(cursor, _header(cursor), depth)
    raise InvalidFile(
        f"{cursor.file.name} holds a faiss index of kind {_shown(code)}, which is not read",
        remedy=f"these are: {SUPPORTED}; take the vectors out with reconstruct_n and numpy.save",
    )


def _shown(code: object) -> str:
    return repr(code.decode("ascii", "replace")) if isinstance(code, bytes) else repr(code)


def _header(cursor: Cursor) -> Stored:
    """The fields that every index begins with; its place is found later."""
    dimension, total, metric = cursor.integer("i"), cursor.integer("q"), 0
    cursor.take("qq?")  # two dummies; is_trained
    metric = cursor.integer("i")
    if metric > 1:
        cursor.take("f")  # metric_arg
    if not 1 <= dimension <= MAX_DIMENSION or total < 0:
        raise InvalidFile(f"{cursor.file.name} announces {total} vectors of {dimension} dimensions")
    return Stored(dimension, total, metric, 0)


def _vector(cursor: Cursor, width: int) -> tuple[int, int]:
    """Where the elements of a std::vector begin, and how many they are; steps over them."""
    count = cursor.integer("Q")
    return cursor.skip(count * width), count


def _same(cursor: Cursor, what: str, found: int, expected: int) -> None:
    if found != expected:
        raise InvalidFile(f"{cursor.file.name} has {found} {what} where {expected} are announced")


def _flat(cursor: Cursor, header: Stored) -> Stored:
    place, count = _vector(cursor, 4)
    _same(cursor, "numbers", count, header.total * header.dimension)
    return replace(header, place=place)


def _id_map(cursor: Cursor, header: Stored, depth: int) -> Stored:
    inner = _index(cursor, depth + 1)
    place, count = _vector(cursor, _ID)
    _same(cursor, "ids", count, inner.total)
    _same(cursor, "dimensions", inner.dimension, header.dimension)
    return replace(inner, metric=header.metric, maps=(*inner.maps, place))


def _hnsw(cursor: Cursor, header: Stored, depth: int) -> Stored:
    # assign_probas, cum_nneighbor_per_level, levels, offsets, neighbors
    for width in (8, 4, 4, 8, 4):
        _vector(cursor, width)
    cursor.take("5i")  # entry_point, max_level, efConstruction, efSearch, upper_beam
    storage = _index(cursor, depth + 1)
    _same(cursor, "vectors", storage.total, header.total)
    _same(cursor, "dimensions", storage.dimension, header.dimension)
    return replace(storage, metric=header.metric)


def _inverted(cursor: Cursor, header: Stored, depth: int) -> Stored:
    lists = cursor.integer("Q")
    cursor.integer("Q")  # nprobe
    _index(cursor, depth + 1)  # the quantizer, whose centroids are no items
    _direct_map(cursor)
    (code,) = cursor.take("4s")
    if code != b"ilar":
        raise InvalidFile(
            f"{cursor.file.name} keeps its inverted lists in {_shown(code)}, which is not read",
            remedy="load it into memory with faiss and write it again",
        )
    _same(cursor, "lists", cursor.integer("Q"), lists)
    _same(cursor, "bytes per vector", cursor.integer("Q"), 4 * header.dimension)
    (kind,) = cursor.take("4s")
    if kind not in (b"full", b"sprs"):
        raise InvalidFile(f"{cursor.file.name} has inverted lists of kind {_shown(kind)}")
    sizes, count = _vector(cursor, 8)
    found = Lists(sizes, count, kind == b"sprs", cursor.offset)
    if not found.sparse:
        _same(cursor, "sizes of lists", count, lists)
    total = sum(size for _, size in _sizes(cursor.file, found, header.dimension))
    _same(cursor, "vectors in lists", total, header.total)
    cursor.skip(total * (4 * header.dimension + _ID))
    return replace(header, place=found)


def _direct_map(cursor: Cursor) -> None:
    kind = cursor.integer("b")
    _vector(cursor, 8)
    if kind == 2:  # a hash table, written as pairs
        _vector(cursor, 16)


def _sizes(file: BinaryFile, lists: Lists, dimension: int) -> Iterator[tuple[int, int]]:
    """Where each list begins that is not empty, and its number of vectors."""
    place, step = lists.data, 2 if lists.sparse else 1
    most = file.size // (4 * dimension + _ID)
    for start in range(0, lists.count - lists.count % step, _CHUNK):
        count = min(_CHUNK, lists.count - start)
        numbers = np.frombuffer(file.at(lists.sizes + 8 * start, 8 * count), "<u8")
        for size in map(int, numbers[step - 1 :: step]):
            if size > most:
                raise InvalidFile(f"{file.name} announces a list of {size} vectors")
            if size:
                yield place, size
            place += size * (4 * dimension + _ID)


def _blocks(path: Path, stored: Stored) -> Iterator[Block]:
    step = rows_per_block(4 * stored.dimension)
    number = 0
    with BinaryFile(path) as file:
        for vectors, ids in _parts(file, stored, step):
            own = _mapped(file, ids, stored)
            yield [Row(str(own[i]), vectors[i], number=number + i) for i in range(len(own))]
            number += len(own)


def _parts(
    file: BinaryFile, stored: Stored, step: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """float32[n, dimension] and int64[n], the ids before any map, n at most `step`."""
    width = 4 * stored.dimension
    if isinstance(stored.place, int):
        for start in range(0, stored.total, step):
            count = min(step, stored.total - start)
            ids = np.arange(start, start + count, dtype=np.int64)
            yield _floats(file, stored.place + start * width, count, stored.dimension), ids
        return
    for place, size in _sizes(file, stored.place, stored.dimension):
        for start in range(0, size, step):
            count = min(step, size - start)
            at = place + size * width + start * _ID
            ids = np.frombuffer(file.at(at, count * _ID), "<i8").astype(np.int64)
            yield _floats(file, place + start * width, count, stored.dimension), ids


def _floats(file: BinaryFile, place: int, count: int, dimension: int) -> NDArray[np.float32]:
    data = np.frombuffer(file.at(place, count * dimension * 4), "<f4")
    return narrowed(data).reshape(count, dimension)


def _mapped(file: BinaryFile, ids: NDArray[np.int64], stored: Stored) -> NDArray[np.int64]:
    """The ids that the maps give for an index's own ids."""
    for place in stored.maps:
        if not len(ids):
            break
        low, high = int(ids.min()), int(ids.max())
        if low < 0 or high >= stored.total:
            raise InvalidFile(f"{file.name} has an id {low} to {high} beyond its id map")
        ids = _gathered(file, place, ids, low, high)
    return ids


def _gathered(
    file: BinaryFile, place: int, ids: NDArray[np.int64], low: int, high: int
) -> NDArray[np.int64]:
    """Entries of an id map: in one read where they lie together, else one by one."""
    if high - low < 16 * len(ids) + _NEAR:
        near = np.frombuffer(file.at(place + low * _ID, (high - low + 1) * _ID), "<i8")
        return near[ids - low].astype(np.int64)
    entries = [file.at(place + int(i) * _ID, _ID) for i in ids]
    return np.frombuffer(b"".join(entries), "<i8").astype(np.int64)
