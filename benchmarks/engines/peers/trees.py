"""annoy and NGT.

Sources of the grids: ann-benchmarks' annoy configuration (100 to 400 trees, search_k 100 to
400,000) and its NGT ones (ONNG: 100 edges, 10 outgoing, 120 incoming, epsilon -0.1 to 0.2);
ANNG with the defaults of `ngtpy.create` (10 edges, 40 at search).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.engines.peers.peer import Ask, Contender, Peer, Rows, Task

SEARCH_K = (100, 200, 400, 1_000, 2_000, 4_000, 10_000, 20_000, 40_000, 100_000)
EPSILONS = (-0.1, -0.05, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)


class Annoy(Peer):
    """Settings: ``trees``."""

    def build(self, rows: Rows, metric: str, threads: int) -> None:
        annoy: Any = import_module("annoy")
        self.index = annoy.AnnoyIndex(
            rows.shape[1], "angular" if metric == "cosine" else "euclidean"
        )
        self.index.set_seed(1)
        for number, row in enumerate(rows):
            self.index.add_item(number, row)
        self.index.build(self.settings["trees"], n_jobs=threads)

    def prepared(self, queries: Rows) -> Sequence[Any]:
        return [query.tolist() for query in queries]  # quicker for it than an array

    def searcher(self, effort: Any, k: int) -> Ask:
        search = self.index.get_nns_by_vector
        return lambda query: search(query, k, effort)


class Ngt(Peer):
    """Settings: ``edges`` (None for the default), ``outgoing`` and ``incoming`` for an ONNG."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.scratch = tempfile.TemporaryDirectory()

    def build(self, rows: Rows, metric: str, threads: int) -> None:  # unit rows: L2 ranks alike
        ngtpy: Any = import_module("ngtpy")
        path = str(Path(self.scratch.name) / "anng")
        edges = self.settings.get("edges", 10)
        ngtpy.create(path, rows.shape[1], edge_size_for_creation=edges, distance_type="L2")
        index = ngtpy.Index(path)
        index.batch_insert(rows, num_threads=threads)
        index.save()
        index.close()
        if "outgoing" in self.settings:
            optimizer = ngtpy.Optimizer(
                num_of_outgoings=self.settings["outgoing"],
                num_of_incomings=self.settings["incoming"],
                log_disabled=True,
            )
            # The degrees and shortcuts only, as ann-benchmarks does it: a search for parameters
            # would take longer than the rest, and they are swept here.
            optimizer.set_processing_modes(
                shortcut_reduction=True,
                search_parameter_optimization=False,
                prefetch_parameter_optimization=False,
                accuracy_table_generation=False,
            )
            optimizer.execute(path, path + "-onng")
            path += "-onng"
        self.index = ngtpy.Index(path, read_only=True)

    def searcher(self, effort: Any, k: int) -> Ask:
        search = self.index.search
        return lambda query: search(query, k, effort, with_distance=False)

    def close(self) -> None:
        self.index.close()
        self.scratch.cleanup()


def contenders(task: Task) -> list[Contender]:  # noqa: ARG001 (as the other grids)
    """annoy with 100 and 400 trees; ANNG and ONNG."""
    annoy = [
        Contender(
            label=f"annoy {trees} trees",
            family="annoy",
            peer=Annoy,
            package="annoy",
            module="annoy",
            efforts=SEARCH_K,
            settings={"trees": trees},
        )
        for trees in (100, 400)
    ]
    graphs: dict[str, dict[str, int]] = {
        "ANNG": {},
        "ONNG": {"edges": 100, "outgoing": 10, "incoming": 120},
    }
    return annoy + [
        Contender(
            label=f"ngt {name}",
            family="ngt",
            peer=Ngt,
            package="ngt",
            module="ngtpy",
            efforts=EPSILONS,
            settings=settings,
        )
        for name, settings in graphs.items()
    ]
