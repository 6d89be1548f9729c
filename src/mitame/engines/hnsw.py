"""`hnsw`: a navigable small-world graph in layers, by faiss.

Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs (TPAMI 2020). The graph alone is kept and saved: it is walked on the
rows where they lie, which the library would copy otherwise. Under ``inner_product`` it is built by
the Euclidean distance of `mitame.engines.reduction` and walked by the inner product, which gives
the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines import faiss_memory
from mitame.engines.blob import Bytes
from mitame.engines.library import Asked, LibraryEngine, Native
from mitame.engines.protocol import Abilities, Candidate, Rows
from mitame.engines.ranking import Ids
from mitame.engines.reduction import Reduction
from mitame.engines.settings import Common, Range

EF = (16.0, 1_024.0)
DEFAULT_EFFORT = 0.5


@dataclass(frozen=True)
class HnswEngine(LibraryEngine):
    """Settings: ``edges`` per row and layer, ``ef_build`` candidates per row while building."""

    name: str = "hnsw"
    abilities: Abilities = field(
        default=Abilities(
            exact=False, distances=frozenset(DISTANCES), extra="faiss", deterministic=False
        )
    )
    module: ClassVar[str] = "faiss"
    own: ClassVar[Mapping[str, Range]] = {
        "edges": Range(16, 2, 256),
        "ef_build": Range(120, 4, 4_000),
    }

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Few and many edges: more cost memory and time to build, and help at high recall."""
        return tuple(
            Candidate({"edges": edges, "ef_build": ef})
            for edges, ef in ((16, 120), (12, 80), (24, 200), (32, 300))
        )

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        import faiss  # an optional dependency

        reduction = Reduction.of(rows, distance)
        turned = np.ascontiguousarray(reduction.rows(rows))
        index = faiss.IndexHNSWFlat(turned.shape[1], own["edges"])
        index.hnsw.efConstruction = own["ef_build"]
        index.hnsw.rng = faiss.RandomGenerator(common.seed)
        with faiss_memory.threads(common.threads):
            index.add(turned)
        graph = faiss_memory.written(index, faiss.IO_FLAG_SKIP_STORAGE)
        walked = normalise(rows) if distance == "cosine" else rows
        return HnswNative(walked, distance, graph)

    def _load(
        self,
        rows: Rows,
        distance: Distance,
        facts: Mapping[str, Any],  # noqa: ARG002 (none were saved)
        blobs: Mapping[str, Bytes],
    ) -> Native:
        return HnswNative(rows, distance, blobs["graph"])


class HnswNative:
    """faiss' graph in saved form, walked over the rows.

    Args:
        rows: float32[rows, dimension]; of length 1 under cosine.
        distance: which.
        graph: as faiss wrote it, without vectors.
    """

    filters = True

    def __init__(self, rows: Rows, distance: Distance, graph: Bytes) -> None:
        import faiss  # an optional dependency

        self._graph = graph
        self._rows = np.ascontiguousarray(rows)
        self._distance = distance
        product = distance == "inner_product"
        metric = faiss.METRIC_INNER_PRODUCT if product else faiss.METRIC_L2
        self._storage = faiss_memory.flat_over(self._rows, metric)
        self._index = faiss_memory.read(graph, faiss.IO_FLAG_SKIP_STORAGE)
        self._index.own_fields = False
        self._index.storage = self._storage
        self._index.d = rows.shape[1]
        self._index.metric_type = metric
        self._index.hnsw.is_similarity = product

    @property
    def memory(self) -> int:
        """The graph's bytes."""
        return self._graph.nbytes

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """The nearest by faiss, int64[q, count]; see `mitame.engines.library.Native.look`."""
        import faiss  # an optional dependency

        turned = normalise(queries) if self._distance == "cosine" else queries
        ef = max(asked.swept(DEFAULT_EFFORT, *EF), asked.count)
        chosen, _bits = faiss_memory.selector(asked.allow)
        parameters = faiss.SearchParametersHNSW(efSearch=ef, sel=chosen)
        return list(faiss_memory.searched(self._index, turned, asked.count, parameters))

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """The graph as faiss writes it."""
        return {}, {"graph": self._graph}
