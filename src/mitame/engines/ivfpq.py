"""`ivfpq`: lists of 4-bit product codes, scanned many at a time, by faiss.

Jégou et al., Product Quantization for Nearest Neighbor Search (TPAMI 2011); the scan with codes in
registers is that of André et al., Cache locality is not enough: high-performance nearest neighbor
search with product quantization fast scan (VLDB 2015). Rows are rotated first, and cut to the
leading coordinates (PCA), so that two coordinates share a code. The codes choose candidates, of
which `effort` takes more; the rows rank them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from mitame.distances import DISTANCES, Distance
from mitame.engines import faiss_memory
from mitame.engines.blob import Bytes
from mitame.engines.library import Asked, LibraryEngine, Native
from mitame.engines.protocol import Abilities, Candidate, Rows
from mitame.engines.ranking import Ids
from mitame.engines.reduction import Reduction, padded
from mitame.engines.settings import Common, Range

DEFAULT_EFFORT = 0.5
TRAINING_PER_LIST = 64
SUBSPACE = 2
"""Coordinates that share a code."""
BITS = 4
REFINE = (3.0, 40.0)
"""Candidates per wanted neighbour, by effort."""


@dataclass(frozen=True)
class IvfpqEngine(LibraryEngine):
    """Settings: ``lists`` (0: about twice the root of the rows), ``width`` coordinates kept."""

    name: str = "ivfpq"
    abilities: Abilities = field(
        default=Abilities(
            exact=False, distances=frozenset(DISTANCES), extra="faiss", deterministic=False
        )
    )
    module: ClassVar[str] = "faiss"
    own: ClassVar[Mapping[str, Range]] = {
        "lists": Range(0, 0, 1 << 20),
        "width": Range(128, 2, 2_048),
    }

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Short and long codes."""
        widths = dict.fromkeys(max(2, min(width, dimension)) for width in (128, 64, 256))
        return tuple(Candidate({"width": width}) for width in widths)

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        reduction = Reduction.of(rows, distance)
        turned = padded(reduction.rows(rows), SUBSPACE)
        with faiss_memory.threads(common.threads):
            index = _trained(turned, common.seed, own)
            index.add(turned)
        return IvfpqNative(reduction, faiss_memory.written(index))

    def _load(
        self,
        rows: Rows,  # noqa: ARG002 (the codes stand for them)
        distance: Distance,
        facts: Mapping[str, Any],
        blobs: Mapping[str, Bytes],
    ) -> Native:
        reduction = Reduction.from_facts(distance, facts)
        return IvfpqNative(reduction, blobs["lists"])


def _trained(turned: Rows, seed: int, own: Mapping[str, int]) -> Any:
    """An empty index that knows its rotation, lists and codes."""
    import faiss  # an optional dependency

    rows, dimension = turned.shape
    lists = min(own["lists"] or round(2 * rows**0.5), rows // 8)
    width = min(own["width"], dimension, rows) // SUBSPACE * SUBSPACE
    rotation = faiss.PCAMatrix(dimension, width, 0.0, True)
    inner = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatL2(width), width, lists, width // SUBSPACE, BITS
    )
    for means in (inner.cp, inner.pq.cp):
        means.seed = seed + 1
        means.min_points_per_centroid = 1  # faiss writes a warning to the terminal otherwise
    inner.cp.max_points_per_centroid = TRAINING_PER_LIST
    index = faiss.IndexPreTransform(rotation, inner)
    index.train(turned)
    return index


class IvfpqNative:
    """faiss' lists.

    Args:
        reduction: of the rows.
        blob: as faiss wrote them.
    """

    filters = True

    def __init__(self, reduction: Reduction, blob: Bytes) -> None:
        import faiss  # an optional dependency

        self._reduction = reduction
        self._blob = blob
        self._index = faiss_memory.read(blob)
        self._lists = int(faiss.downcast_index(self._index.index).nlist)

    @property
    def memory(self) -> int:
        """The lists' bytes."""
        return self._blob.nbytes

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """The likeliest by codes, int64[q, c]; see `mitame.engines.library.Native.look`."""
        import faiss  # an optional dependency

        turned = padded(self._reduction.queries(queries), SUBSPACE)
        probes = min(asked.swept(DEFAULT_EFFORT, 1, self._lists), self._lists)
        refined = replace(asked, share=1.0).swept(DEFAULT_EFFORT, *REFINE)
        wanted = min(refined * asked.count, self._index.ntotal)
        chosen, _bits = faiss_memory.selector(asked.allow)
        inner = faiss.SearchParametersIVF(nprobe=probes, sel=chosen)
        parameters = faiss.SearchParametersPreTransform(index_params=inner)
        return list(faiss_memory.searched(self._index, turned, wanted, parameters))

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """The lists as faiss writes them, and how queries are turned."""
        return self._reduction.facts(), {"lists": self._blob}
