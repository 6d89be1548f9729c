"""rabitqlib: SymphonyQG, and RaBitQ codes in lists and on a graph.

Sources of the grids: the project's documentation pages of each index (SymphonyQG: degree a multiple
of 32, ef 200 in its example; lists: 4 times the square root of the rows; HNSW: 16 clusters, M 16,
ef_construction 200) and its README (raw rows for exact re-ranking are ``nbits=32``).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task, roots

EF = (10, 15, 20, 30, 40, 60, 80, 120, 200, 400, 800)
PROBES = (1, 2, 5, 10, 20, 50, 100, 200)


class Rabitq(Peer):
    """What the three indexes share: queries in two axes, answers as two arrays."""

    index: Any

    def prepared(self, queries: Rows) -> Sequence[Any]:
        return [queries[number : number + 1] for number in range(len(queries))]

    def searcher(self, effort: Any, k: int) -> Ask:
        search = self.index.search
        return lambda query: search(query, k, effort)

    def ids(self, answer: Any) -> NDArray[np.int64]:
        return np.asarray(answer[0][0], np.int64)

    def batch(self, queries: Rows, k: int, effort: Any, threads: int) -> Any:
        return self.index.search(queries, k, effort, num_threads=threads)

    def clusters(self, library: Any, rows: Rows, threads: int) -> Any:
        """The library's own k-means, trained."""
        found = library.RaBitQKMeans(rows.shape[1], self.settings["clusters"], num_threads=threads)
        found.train(rows)
        return found


class SymphonyQG(Rabitq):
    """Settings: ``degree``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        library: Any = import_module("rabitqlib")
        self.index = library.SymqgIndex(rows.shape[1], self.settings["degree"], "l2")
        self.index.build(rows, 200, num_threads=threads)


class RabitqHnsw(Rabitq):
    """Settings: ``bits``, ``clusters``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        library: Any = import_module("rabitqlib")
        found = self.clusters(library, rows, threads)
        self.index = library.HnswIndex(
            rows.shape[1], len(rows), M=16, ef_construction=200, nbits=self.settings["bits"]
        )
        self.index.build(rows, found.centroids, found.assignments, num_threads=threads)


class RabitqIvf(Rabitq):
    """Settings: ``bits``, ``clusters``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        library: Any = import_module("rabitqlib")
        found = self.clusters(library, rows, threads)
        self.index = library.IvfIndex(
            rows.shape[1], len(rows), self.settings["clusters"], self.settings["bits"]
        )
        self.index.build(rows, found.centroids, found.assignments, num_threads=threads)


def contenders(task: Task) -> list[Contender]:
    """SymphonyQG 32 and 64, HNSW of 7 bits, lists of 7 bits and with the rows themselves."""
    lists = roots(task.rows, 4)
    found = [_of(f"SymphonyQG {d}", SymphonyQG, EF, degree=d) for d in (32, 64)]
    found.append(_of("HNSW 7 bit", RabitqHnsw, EF, bits=7, clusters=16))
    found.append(_of("IVF 7 bit", RabitqIvf, PROBES, bits=7, clusters=lists))
    found.append(_of("IVF+rows", RabitqIvf, PROBES, bits=32, clusters=lists))
    return found


def _of(name: str, peer: type[Peer], efforts: tuple[int, ...], **settings: int) -> Contender:
    return Contender(
        label=f"rabitqlib {name}",
        family="rabitqlib",
        peer=peer,
        package="rabitqlib",
        module="rabitqlib",
        efforts=efforts,
        settings=settings,
    )
