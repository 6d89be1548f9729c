"""faiss-cpu: its index factory and its parameter strings, so that a build is one line.

Sources of the grids: the project's wiki, "Guidelines to choose an index" and "The index factory";
ann-benchmarks' faiss and faiss_hnsw configurations (efConstruction 500, the numbers of probes).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task, roots

EF = (10, 20, 40, 80, 120, 200, 400, 800)
PROBES = (1, 2, 5, 10, 20, 50, 100, 200)


class Faiss(Peer):
    """Settings: ``factory``, and ``construction`` (efConstruction) for graphs."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        self.faiss: Any = import_module("faiss")
        self.faiss.omp_set_num_threads(threads)
        self.index = self.faiss.index_factory(rows.shape[1], self.settings["factory"])
        if "construction" in self.settings:
            self._set(f"efConstruction={self.settings['construction']}")
        self.index.train(rows)
        self.index.add(rows)
        self.faiss.omp_set_num_threads(1)

    def _set(self, words: str) -> None:
        self.faiss.ParameterSpace().set_index_parameters(self.index, words)

    def prepared(self, queries: Rows) -> Sequence[Any]:
        return [queries[number : number + 1] for number in range(len(queries))]

    def searcher(self, effort: Any, k: int) -> Ask:
        if effort:
            self._set(effort)
        search = self.index.search
        return lambda query: search(query, k)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer[1][0], np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        if effort:
            self._set(effort)
        self.faiss.omp_set_num_threads(threads)
        answer = self.index.search(queries, k)
        self.faiss.omp_set_num_threads(1)
        return answer


def contenders(task: Task) -> list[Contender]:
    """Flat, HNSW, IVF, IVFPQ fast-scan with refine, PCA with HNSW SQ8 and refine."""
    lists = roots(task.rows, 4)  # the wiki: 4 to 16 times the square root
    even = task.dimension - task.dimension % 2
    reduced = min(128, task.dimension)
    fast_scan = [f"nprobe={n},k_factor_rf={f}" for n in PROBES for f in (4, 20)]
    refined = [f"efSearch={ef},k_factor_rf={f}" for ef in EF for f in (2, 4, 10)]
    probes = [f"nprobe={n}" for n in PROBES]
    found = [_of("Flat", "Flat", [""])]
    for degree in (16, 36):
        efforts = [f"efSearch={ef}" for ef in EF]
        found.append(_of(f"HNSW{degree}", f"HNSW{degree}", efforts, construction=500))
    found.append(_of(f"IVF{lists}", f"IVF{lists},Flat", probes))
    if task.dimension % 2 == 0:
        codes = f"PQ{task.dimension // 2}x4fs"
        found.append(_of("IVFPQfs+refine", f"IVF{lists},{codes},RFlat", fast_scan))
    if task.dimension > 2 * reduced:
        pca = f"PCAR{reduced}"
        graph = f"{pca},HNSW16_SQ8,RFlat"
        found.append(_of("PCA+HNSW SQ8+refine", graph, refined, construction=200))
    else:
        opq = f"OPQ{even // 2}_{even},IVF{lists},PQ{even // 2}x4fs,RFlat"
        found.append(_of("OPQ+IVFPQfs+refine", opq, fast_scan))
    return found


def _of(name: str, factory: str, efforts: Sequence[str], **settings: int) -> Contender:
    return Contender(
        label=f"faiss {name}",
        family="faiss exact" if name == "Flat" else "faiss",
        peer=Faiss,
        package="faiss-cpu",
        module="faiss",
        efforts=tuple(efforts),
        settings={"factory": factory, **settings},
    )
