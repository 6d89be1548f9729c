"""What is exchanged: the rows of a file, in blocks, each of them good or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance
from mitame.errors import InvalidFile, MitameError

Metric = Literal["angular", "euclidean", "manhattan", "dot"]
"""What a file's maker compares vectors by, in annoy's words."""
ItemType = Literal["float32", "float64"]
Unit = Literal["line", "row"]

DISTANCE_OF: Mapping[Metric, Distance] = {
    "angular": "cosine",
    "euclidean": "euclidean",
    "dot": "inner_product",
}
"""The distance here that ranks as a metric does; there is none for manhattan."""

_BLOCK_BYTES = 4 << 20
_BLOCK_ROWS = 2_000


@dataclass(frozen=True, eq=False)
class Row:
    """One item as a file has it; nothing of it has been checked but its shape.

    Attributes:
        id: as the file has it; integers as their decimal digits.
        vector: float32[dim], or None where the file has none for this row.
        category: or None.
        attributes: names to values.
        number: line of a text file, from 1, or row of a binary one, from 0.
    """

    id: str
    vector: NDArray[np.float32] | None
    category: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True)
class RefusedRow:
    """A row that can't be used, with the reason.

    Attributes:
        number: as in `Row`.
        error: why.
    """

    number: int
    error: MitameError


Block: TypeAlias = list[Row | RefusedRow]


@dataclass(frozen=True)
class Rows:
    """The rows of a file, read anew at each iteration and never all in memory.

    Iterating gives the rows and raises at the first that is refused; `blocks` gives the refused
    ones, too.

    Attributes:
        name: of the file, for messages.
        format: see `FORMATS`.
        open_blocks: begins to read; raises SourceError where the file is damaged.
        dimension: of the vectors, where the file tells it.
        distance: that ranks as the file's maker does, where the file tells it.
        total: how many rows there are at most, where the file tells it.
        unit: what `Row.number` counts.
        unique: ids can't occur twice, by the nature of the format.
    """

    name: str
    format: str
    open_blocks: Callable[[], Iterator[Block]]
    dimension: int | None = None
    distance: Distance | None = None
    total: int | None = None
    unit: Unit = "row"
    unique: bool = False

    def blocks(self) -> Iterator[Block]:
        """The rows in the file's order, some thousand at a time.

        Raises:
            SourceError: the file can't be read or is damaged.
        """
        return self.open_blocks()

    def __iter__(self) -> Iterator[Row]:
        for block in self.blocks():
            for row in block:
                if isinstance(row, RefusedRow):
                    raise InvalidFile(
                        f"{self.name}, {self.unit} {row.number}: {row.error.message}",
                        remedy=row.error.remedy,
                    ) from row.error
                yield row


def rows_per_block(width: int) -> int:
    """How many rows of `width` bytes each are read at a time."""
    return max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, width)))


def in_blocks(rows: Iterator[Row | RefusedRow], size: int) -> Iterator[Block]:
    """Single rows gathered in blocks of `size`, the last one shorter."""
    block: Block = []
    for row in rows:
        block.append(row)
        if len(block) >= size:
            yield block
            block = []
    if block:
        yield block


def narrowed(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Numbers as float32, of the same shape; what is too large becomes infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(values, np.float32)
