"""Seeded vectors of any number, alike to those of a picture network, written as they are made.

A row is a cluster's centre plus a deviation; both are normal with a variance that falls as a power
of the coordinate's number, and then everything is rotated, so that no coordinate is special.
Clusters are of unequal size. Block b of a seed is the same whatever the number of rows, so
that a smaller set is the beginning of a larger one and the queries are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8_192
_QUERIES = 1 << 31
"""Number of the random stream of the queries; no block has it."""


@dataclass(frozen=True)
class Shape:
    """What kind of data.

    Attributes:
        rows: how many.
        dimension: floats per row.
        clusters: how many kinds of picture.
        decay: variance of coordinate i is (i + 1) ** -decay.
        spread: length of the deviation beside that of the centre.
        seed: of everything.
    """

    rows: int
    dimension: int = 256
    clusters: int = 2_000
    decay: float = 1.0
    spread: float = 0.8
    seed: int = 0


class Source:
    """Draws rows of a shape."""

    def __init__(self, shape: Shape) -> None:
        rng = np.random.default_rng(shape.seed)
        dimension, clusters = shape.dimension, shape.clusters
        self._shape = shape
        self._scale = ((np.arange(dimension) + 1.0) ** (-shape.decay / 2)).astype(np.float32)
        square = rng.standard_normal((dimension, dimension))
        self._rotation = np.linalg.qr(square)[0].astype(np.float32)
        centres = rng.standard_normal((clusters, dimension), dtype=np.float32)
        self._centres = centres * self._scale
        weights = (np.arange(clusters) + 1.0) ** -0.5
        self._shares = weights / weights.sum()

    def draw(self, stream: int, count: int) -> NDArray[np.float32]:
        """float32[count, dimension] of length 1; `stream` is the number of the block."""
        rng = np.random.default_rng([self._shape.seed, stream])
        # Whole blocks are drawn, so that a shorter last block is the beginning of a whole one.
        whole = max(count, BLOCK)
        which = rng.choice(len(self._centres), whole, p=self._shares)
        noise = rng.standard_normal((whole, self._shape.dimension), dtype=np.float32)
        rows = self._centres[which] + self._shape.spread * self._scale * noise
        # The product is of the whole block too: how BLAS rounds a row depends on its neighbours.
        rows = (rows @ self._rotation)[:count]
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def write(folder: Path, shape: Shape, queries: int) -> dict[str, Any]:
    """rows.npy and queries.npy; memory holds one block at a time."""
    source = Source(shape)
    with (folder / "rows.npy").open("wb") as file:
        write_header(file, (shape.rows, shape.dimension))
        for number, start in enumerate(range(0, shape.rows, BLOCK)):
            file.write(source.draw(number, min(BLOCK, shape.rows - start)).tobytes())
    np.save(folder / "queries.npy", source.draw(_QUERIES, queries))
    return {"metric": "cosine", "source": "synthetic", **vars(shape)}


def write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    """Begin a .npy file of float32 rows, which then follow as bytes."""
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
