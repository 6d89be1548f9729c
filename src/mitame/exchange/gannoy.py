"""Databases of gannoy's first years: ``NAME.meta`` and ``NAME.tree``, all numbers big-endian.

The first has the number of trees, the dimension and K as int32, then an int32 per tree. The
second is an array of nodes: ``free`` (a byte), ``n_descendants``, ``key``, one parent per tree
and two children (int32 each), then the vector as float64. A node that is not free and has one
descendant is an item. What such a file says is not always so: the process may have ended in the
middle of a write, and a key may stand in several nodes, of which gannoy took the last.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.errors import InvalidFile
from mitame.exchange.binary import BinaryFile
from mitame.exchange.row import Block, RefusedRow, Row, Rows, narrowed, rows_per_block

META, TREE = ".meta", ".tree"
_HEAD = struct.Struct(">iii")
_FREE, _DESCENDANTS, _KEY, _PARENTS = 0, 1, 5, 9
_CHILDREN = 8
_MAX_TREES, _MAX_DIMENSION = 10_000, 65_536


@dataclass(frozen=True)
class _Nodes:
    """What a file of nodes looks like.

    Attributes:
        path: the file.
        vector: where the vector begins in a node, bytes.
        size: of a node, bytes.
        count: of whole nodes.
        rest: bytes after the last whole one.
    """

    path: Path
    vector: int
    size: int
    count: int
    rest: int


def database_files(path: Path) -> tuple[Path, Path] | None:
    """Both files of the database that a path names, with an ending or without; None for none."""
    base = path.with_suffix("") if path.suffix in (META, TREE) else path
    meta, tree = base.with_name(base.name + META), base.with_name(base.name + TREE)
    return (meta, tree) if meta.is_file() else None


def read_gannoy(path: Path) -> Rows:
    """The items of a database by their keys; of a key that stands twice, the last.

    Args:
        path: of either file, or without an ending.

    Raises:
        UnreadableFile: a file can't be opened.
        InvalidFile: they are no such files, or do not belong together.
    """
    files = database_files(path)
    if files is None:
        raise InvalidFile(f"there is no {path.name}{META}", remedy="name gannoy's .meta file")
    meta, tree = files
    dimension, trees = _shape(meta)
    nodes = _nodes(tree, dimension, trees)
    last = _last_nodes(nodes)
    return Rows(
        meta.name,
        "gannoy",
        partial(_blocks, nodes, last),
        dimension=dimension,
        distance="cosine",
        total=len(last),
        unique=True,
    )


def _shape(meta: Path) -> tuple[int, int]:
    """Dimension and number of trees."""
    with BinaryFile(meta) as file:
        trees, dimension, _ = _HEAD.unpack(file.at(0, _HEAD.size))
        fits = 1 <= trees <= _MAX_TREES and 1 <= dimension <= _MAX_DIMENSION
        if not fits or file.size != _HEAD.size + 4 * trees:
            raise InvalidFile(f"{meta.name} is not of a gannoy database")
    return dimension, trees


def _nodes(tree: Path, dimension: int, trees: int) -> _Nodes:
    vector = _PARENTS + 4 * trees + _CHILDREN
    size = vector + 8 * dimension
    if not tree.exists():  # nothing has ever been put
        return _Nodes(tree, vector, size, 0, 0)
    with BinaryFile(tree) as file:
        count, rest = divmod(file.size, size)
        return _Nodes(tree, vector, size, count, rest)


def _last_nodes(nodes: _Nodes) -> dict[int, int]:
    """For each key the last node that has it."""
    last: dict[int, int] = {}
    for start, block in _read(nodes):
        for place in np.flatnonzero(_are_items(block)):
            last[int(_int32(block, _KEY)[place])] = start + int(place)
    return last


def _read(nodes: _Nodes) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Blocks of uint8[nodes, size], with the number of the first."""
    if not nodes.count:
        return
    step = rows_per_block(nodes.size)
    with BinaryFile(nodes.path) as file:
        for start in range(0, nodes.count, step):
            count = min(step, nodes.count - start)
            data = file.at(start * nodes.size, count * nodes.size)
            yield start, np.frombuffer(data, np.uint8).reshape(count, nodes.size)


def _int32(block: NDArray[np.uint8], offset: int) -> NDArray[np.int32]:
    part: NDArray[np.int32] = np.ascontiguousarray(block[:, offset : offset + 4]).view(">i4")[:, 0]
    return part


def _are_items(block: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if not (block[:, _FREE] <= 1).all():
        raise InvalidFile("the nodes do not fit the database's dimension and number of trees")
    return np.asarray((block[:, _FREE] == 0) & (_int32(block, _DESCENDANTS) == 1))


def _blocks(nodes: _Nodes, last: dict[int, int]) -> Iterator[Block]:
    for start, block in _read(nodes):
        keys = _int32(block, _KEY)
        vectors = narrowed(np.ascontiguousarray(block[:, nodes.vector :]).view(">f8"))
        rows: Block = []
        for place in np.flatnonzero(_are_items(block)):
            key, number = int(keys[place]), start + int(place)
            if last.get(key) == number:
                rows.append(Row(str(key), vectors[place], number=number))
            else:
                rows.append(RefusedRow(number, InvalidFile(f"key {key} stands again later on")))
        yield rows
    if nodes.rest:
        yield [RefusedRow(nodes.count, InvalidFile("the last node is cut off"))]
