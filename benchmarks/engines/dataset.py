"""A set to measure on: rows, queries and the exact truth, made once and kept in a folder.

    NAME/rows.npy      float32[n, d]; of length 1 each under cosine
    NAME/queries.npy   float32[q, d]
    NAME/truth.npz     ids int64[q, 100], distances float64[q, 100] (Euclidean, ascending)
    NAME/about.json    metric and where it comes from

The rows are mapped by every process, so that they are in memory once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Metric = Literal["euclidean", "cosine"]
Make = Callable[[Path], dict[str, Any]]
"""Writes rows.npy and queries.npy into a folder; gives what about.json says, with a metric."""

TRUE_NEIGHBORS = 100
_SPARE = 100
"""Candidates kept beyond those wanted, so that rounding in float32 loses none of them."""
_BLOCK_FLOATS = 1 << 24


class Missing(Exception):
    """A set whose source is not here; the message says what to do."""


@dataclass(frozen=True)
class Dataset:
    """What a worker needs; `rows` is mapped.

    Attributes:
        rows: float32[n, d].
        queries: float32[q, d].
        truth: float64[q, 100], distances of the true neighbours; fewer where n is.
        about: of the source, for the report.
    """

    name: str
    metric: Metric
    rows: NDArray[np.float32]
    queries: NDArray[np.float32]
    truth: NDArray[np.float64]
    about: dict[str, Any]


def prepared(folder: Path, make: Make) -> Path:
    """The folder of a set; filled by `make` and the exact search unless that was done before."""
    if (folder / "about.json").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"making {folder.name} ...", flush=True)
    about = make(folder)
    rows = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
    queries = np.load(folder / "queries.npy", allow_pickle=False)
    ids, distances = exact_neighbors(rows, queries)
    np.savez(folder / "truth.npz", ids=ids, distances=distances)
    # Last: its presence says that all is there.
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return folder


def load(folder: Path) -> Dataset:
    """A prepared set."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    mapped = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
    with np.load(folder / "truth.npz", allow_pickle=False) as truth:
        distances = truth["distances"]
    return Dataset(
        name=folder.name,
        metric=about["metric"],
        rows=np.asarray(mapped),
        queries=np.load(folder / "queries.npy", allow_pickle=False),
        truth=distances,
        about=about,
    )


def exact_neighbors(
    rows: NDArray[np.float32], queries: NDArray[np.float32], count: int = TRUE_NEIGHBORS
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The true neighbours by Euclidean distance, ties by row.

    Args:
        rows: float32[n, d], may be mapped; read in blocks.
        queries: float32[q, d].
        count: how many.

    Returns:
        int64[q, min(count, n)] and float64 of the same shape, ascending.
    """
    kept = min(len(rows), count + _SPARE)
    ids = np.zeros((len(queries), 0), np.int64)
    keys = np.zeros((len(queries), 0), np.float32)
    step = max(1, _BLOCK_FLOATS // max(len(queries), rows.shape[1]))
    for start in range(0, len(rows), step):
        block = np.asarray(rows[start : start + step])
        squares = np.einsum("nd,nd->n", block, block)
        new = squares - 2 * (queries @ block.T)
        here = np.arange(start, start + len(block))
        keys = np.concatenate([keys, new], axis=1)
        ids = np.concatenate([ids, np.broadcast_to(here, new.shape)], axis=1)
        if keys.shape[1] > kept:
            best = np.argpartition(keys, kept - 1, axis=1)[:, :kept]
            keys, ids = np.take_along_axis(keys, best, 1), np.take_along_axis(ids, best, 1)
    return _ranked(rows, queries, ids, min(count, len(rows)))


def _ranked(
    rows: NDArray[np.float32],
    queries: NDArray[np.float32],
    candidates: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ids = np.empty((len(queries), count), np.int64)
    distances = np.empty((len(queries), count))
    for q, line in enumerate(candidates):
        apart = rows[line].astype(np.float64) - queries[q]
        away = np.sqrt(np.einsum("nd,nd->n", apart, apart))
        order = np.lexsort((line, away))[:count]
        ids[q], distances[q] = line[order], away[order]
    return ids, distances
