"""scalable-vs: Vamana over float16.

Source of the grid: its getting-started page (degree 64, window 128, alpha 1.2) and the defaults of
`VamanaBuildParameters` (degree 32, window 200); the search window is swept.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task

WINDOWS = (10, 15, 20, 30, 40, 60, 80, 120, 200, 400)


class Vamana(Peer):
    """Settings: ``degree``, ``window``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        svs: Any = import_module("svs")
        parameters = svs.VamanaBuildParameters(
            alpha=1.2,
            graph_max_degree=self.settings["degree"],
            window_size=self.settings["window"],
        )
        self.index = svs.Vamana.build(
            parameters, rows.astype(np.float16), svs.DistanceType.L2, num_threads=threads
        )
        self.index.num_threads = 1

    def searcher(self, effort: Any, k: int) -> Ask:
        self.index.search_window_size = max(effort, k)
        search = self.index.search
        return lambda query: search(query, k)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer[0][0], np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        self.index.search_window_size = max(effort, k)
        if self.index.num_threads != threads:
            self.index.num_threads = threads
        return self.index.search(queries, k)


def contenders(task: Task) -> list[Contender]:  # noqa: ARG001 (as the other grids)
    """Two graphs."""
    return [
        Contender(
            label=f"svs Vamana{degree} f16",
            family="scalable-vs",
            peer=Vamana,
            package="scalable-vs",
            module="svs",
            efforts=WINDOWS,
            settings={"degree": degree, "window": window},
        )
        for degree, window in ((32, 200), (64, 128))
    ]
