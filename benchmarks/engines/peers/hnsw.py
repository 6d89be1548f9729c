"""hnswlib and usearch.

Sources of the grids: hnswlib's ALGO_PARAMS.md (M 12-48 for most uses, up to 64 in high dimensions)
and ann-benchmarks' hnswlib configuration (efConstruction 500, ef 10 to 800); usearch's README
(connectivity 16, expansion_add 128 are its defaults; expansion_search is to be swept).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task

EF = (10, 20, 40, 80, 120, 200, 400, 800)
_BYTE_TYPE = "i8"


class Hnswlib(Peer):
    """Settings: ``degree`` (M), ``construction`` (ef_construction)."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        hnswlib: Any = import_module("hnswlib")
        self.index = hnswlib.Index(space="l2", dim=rows.shape[1])
        self.index.init_index(
            max_elements=len(rows),
            ef_construction=self.settings["construction"],
            M=self.settings["degree"],
            random_seed=100,
        )
        self.index.add_items(rows, np.arange(len(rows)), num_threads=threads)
        self.index.set_num_threads(1)

    def searcher(self, effort: Any, k: int) -> Ask:
        self.index.set_ef(max(effort, k))
        search = self.index.knn_query
        return lambda query: search(query, k, 1)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer[0][0], np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        self.index.set_ef(max(effort, k))
        return self.index.knn_query(queries, k, threads)


class Usearch(Peer):
    """Settings: ``dtype``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:
        library: Any = import_module("usearch.index")
        self.range: tuple[np.float32, np.float32] | None = None
        if self.settings["dtype"] == _BYTE_TYPE and metric == "euclidean":
            # Floats would lose their length on the way to bytes, so bytes are what it gets.
            self.range = rows.min(), rows.max()
        self.index = library.Index(
            ndim=rows.shape[1],
            metric="cos" if metric == "cosine" else "l2sq",
            dtype=self.settings["dtype"],
            connectivity=16,
            expansion_add=128,
        )
        self.index.add(np.arange(len(rows)), self._told(rows), threads=threads)

    def _told(self, vectors: Rows) -> NDArray[Any]:
        """The vectors, or bytes of the range of the rows for each; distances keep their order."""
        if self.range is None:
            return vectors
        low, high = self.range
        scaled = (vectors - (low + high) / 2) * (254 / (high - low))
        return np.clip(np.round(scaled), -127, 127).astype(np.int8)

    def prepared(self, queries: Rows) -> Sequence[Any]:
        return list(self._told(queries))

    def searcher(self, effort: Any, k: int) -> Ask:
        self.index.expansion_search = max(effort, k)
        search = self.index.search
        return lambda query: search(query, k, threads=1)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer.keys, np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        self.index.expansion_search = max(effort, k)
        return self.index.search(self._told(queries), k, threads=threads)


def contenders(task: Task) -> list[Contender]:  # noqa: ARG001 (as the other grids)
    """hnswlib with two degrees, usearch with three element types."""
    found = [
        Contender(
            label=f"hnswlib M{degree}",
            family="hnswlib",
            peer=Hnswlib,
            package="hnswlib",
            module="hnswlib",
            efforts=EF,
            settings={"degree": degree, "construction": 500},
        )
        for degree in (16, 36)
    ]
    for dtype in ("f16", "f32", _BYTE_TYPE):
        found.append(
            Contender(
                label=f"usearch {dtype}",
                family="usearch",
                peer=Usearch,
                package="usearch",
                module="usearch",
                efforts=EF,
                settings={"dtype": dtype},
            )
        )
    return found
