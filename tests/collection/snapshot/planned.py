"""Plans of small snapshots, and how they are built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.columns import Column, Values
from mitame.collection.snapshot import (
    LensPlan,
    Snapshot,
    SnapshotBuilder,
    SnapshotPlan,
    VectorType,
)
from mitame.storage import Directory, MemoryDirectory
from tests.collection.made import COLOR, LOOK

CREATED = 1_764_000_000
Vectors = Mapping[int, NDArray[np.float32]]


@dataclass(frozen=True)
class Whole:
    """A plan and the vectors that belong to it, by lens key."""

    plan: SnapshotPlan
    vectors: Vectors


def column(values: Sequence[object | None]) -> Column:
    """A column with the n-th value for key n + 1; None stands for no value."""
    made = Values()
    codes = [0, *(0 if value is None else made.code(value) for value in values)]
    return Column(np.array(codes, np.int32), made, len(made.entries))


def small(generation: int = 3) -> Whole:
    """Five keys, key 0 and 3 without an item; two lenses, some rows dead; three columns."""
    alive = np.array([False, True, True, False, True, True])
    ids = [None, "mug-1", "湯呑み", None, "7", "hat/red.jpg"]
    columns = {
        "category": column(["mug", "mug", None, "茶碗", None]),
        "price": column([1200, 990.5, None, 2**60, -1]),
        "../tags": column([["blue", "small"], True, None, "1", ["blue"]]),
    }
    look = LensPlan(
        1, LOOK.name, LOOK.spec, 9, np.array([0, 2, 3, 7, 8]), np.array([1, 1, 2, 4, 5])
    )
    color = LensPlan(2, COLOR.name, COLOR.spec, 4, np.array([1, 3]), np.array([2, 5]))
    plan = SnapshotPlan(generation, 41, alive, ids, columns, (look, color))
    return Whole(plan, {1: np.eye(5, 4, dtype=np.float32), 2: _ramp(2, 3)})


def _ramp(rows: int, dimension: int) -> NDArray[np.float32]:
    numbers = np.arange(rows * dimension, dtype=np.float32) / np.float32(8)
    return numbers.reshape(rows, dimension)


def large(rows: int) -> Whole:
    """One item and one row for each key from 1 on."""
    keys = rows + 1
    alive = np.ones(keys, np.bool_)
    alive[0] = False
    codes = np.arange(keys, dtype=np.int32) % 3 + 1
    codes[0] = 0
    values = Values.of(["a", "b", "c"])
    lens = LensPlan(
        1, COLOR.name, COLOR.spec, rows, np.arange(rows, dtype=np.int64), np.arange(1, keys)
    )
    ids = [None, *map(str, range(1, keys))]
    plan = SnapshotPlan(1, rows, alive, ids, {"category": Column(codes, values, 4)}, (lens,))
    return Whole(plan, {1: np.zeros((rows, COLOR.spec.dimension), np.float32)})


def in_blocks(vectors: NDArray[np.float32], size: int = 2) -> Iterator[NDArray[np.float32]]:
    """A few rows at a time."""
    return (vectors[start : start + size] for start in range(0, len(vectors), size))


def builder(directory: Directory, dtype: VectorType = "float32") -> SnapshotBuilder:
    """A builder whose clock stands still."""
    return SnapshotBuilder(directory, dtype=dtype, clock=lambda: CREATED)


def build(directory: Directory, whole: Whole, dtype: VectorType = "float32") -> Snapshot:
    """Build it from the beginning, or go on with what is there; then open it."""
    go_on(builder(directory, dtype), whole)
    return Snapshot.open(directory)


def go_on(begun: SnapshotBuilder, whole: Whole, block: int = 2) -> None:
    """What a merge does with a builder."""
    if begun.planned is None:
        begun.write_plan(whole.plan)
    for key, vectors in whole.vectors.items():
        begun.write_vectors(key, in_blocks(vectors, block))
    begun.finish()


def files(directory: Directory) -> dict[str, bytes]:
    """Everything in a directory."""
    return {name: directory.read(name, limit=1 << 30) for name in directory.names()}


def with_files(content: Mapping[str, bytes]) -> MemoryDirectory:
    """A directory in memory with these files."""
    directory = MemoryDirectory()
    for name, data in content.items():
        directory.replace(name, data)
    return directory
