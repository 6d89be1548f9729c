"""ScaNN: tree, anisotropic 4-bit codes, re-ranking.

Source of the grid: ann-benchmarks' scann configuration, which its authors wrote: 100, 600 and 2,000
leaves for 60,000 rows under Euclidean distance, 1,000 to 2,000 for 1,200,000 under cosine; here as
multiples of the square root of the rows, as its algorithms page advises. 2 to 4 coordinates
per code: the more, the higher the dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task, roots

EFFORTS = (
    (2, 30),
    (4, 30),
    (8, 40),
    (12, 60),
    (16, 80),
    (25, 100),
    (35, 140),
    (50, 200),
    (75, 250),
    (100, 350),
    (150, 500),
    (250, 800),
)
"""Leaves to search and candidates to rank again."""


class Scann(Peer):
    """Settings: ``leaves``, ``per_code`` (coordinates per code), ``threshold`` (0 for none)."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:
        scann: Any = import_module("scann")
        angular = metric == "cosine"
        builder = scann.scann_ops_pybind.builder(
            rows, 10, "dot_product" if angular else "squared_l2"
        )
        builder.set_n_training_threads(threads)
        builder.tree(
            self.settings["leaves"],
            1,
            training_sample_size=len(rows),
            spherical=angular,
            quantize_centroids=True,
        )
        builder.score_ah(
            self.settings["per_code"],
            anisotropic_quantization_threshold=self.settings["threshold"] or float("nan"),
        )
        self.index = builder.reorder(1).build()

    def searcher(self, effort: Any, k: int) -> Ask:
        leaves, again = effort
        search = self.index.search
        return lambda query: search(query, k, max(again, k), leaves)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer[0], np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        leaves, again = effort
        self.index.set_num_threads(threads)
        return self.index.search_batched_parallel(queries, k, max(again, k), leaves)


def contenders(task: Task) -> list[Contender]:
    """Two or three trees, by distance and dimension."""
    if task.metric == "euclidean":
        grid: Sequence[tuple[float, float, int]] = ((2.5, 0, 2), (8, 0, 4))
    else:
        grid = ((1.75, 0.2, 2), (3.5, 0.2, 2), (2.5, 0.15, 4))
    return [
        Contender(
            label=f"scann {roots(task.rows, factor)} leaves, {per_code} per code",
            family="scann",
            peer=Scann,
            package="scann",
            module="scann",
            efforts=EFFORTS,
            settings={
                "leaves": roots(task.rows, factor),
                "threshold": threshold,
                "per_code": per_code,
            },
        )
        for factor, threshold, per_code in grid
    ]
