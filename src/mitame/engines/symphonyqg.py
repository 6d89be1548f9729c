"""`symphonyqg`: a graph whose edges carry 1-bit codes of where they lead, by rabitqlib.

Gou et al., SymphonyQG: Towards Symphonious Integration of Quantization and Graph for Approximate
Nearest Neighbor Search (SIGMOD 2025), with the codes of RaBitQ (SIGMOD 2024). All edges of a row
are judged at once without touching the rows that they lead to: very quick, and very large. The
library draws its rotation from the system's entropy and takes no seed: no two builds are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance
from mitame.engines import files
from mitame.engines.blob import Bytes
from mitame.engines.library import Asked, LibraryEngine, Native
from mitame.engines.protocol import Abilities, Candidate, Rows
from mitame.engines.ranking import Ids
from mitame.engines.reduction import Reduction, padded
from mitame.engines.settings import Common, Range

GRAPH = "graph"
EF = (16.0, 2_048.0)
DEFAULT_EFFORT = 0.45
NOTHING: Ids = np.empty(0, np.int64)
LEAST_WIDTH = 64
"""rabitqlib's rotation needs so many coordinates."""


@dataclass(frozen=True)
class SymphonyqgEngine(LibraryEngine):
    """Settings: ``edges`` per row, in steps of 32; ``ef_build`` candidates while building."""

    name: str = "symphonyqg"
    abilities: Abilities = field(
        default=Abilities(
            exact=False,
            distances=frozenset(DISTANCES),
            extra="symphonyqg",
            deterministic=False,
            seeded=False,
        )
    )
    module: ClassVar[str] = "rabitqlib"
    own: ClassVar[Mapping[str, Range]] = {
        "edges": Range(32, 32, 256),
        "ef_build": Range(200, 8, 4_000),
    }

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Few and many edges."""
        return tuple(Candidate({"edges": edges}) for edges in (32, 64))

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        import rabitqlib  # an optional dependency

        reduction = Reduction.of(rows, distance)
        turned = padded(reduction.rows(rows), LEAST_WIDTH)
        graph = rabitqlib.SymqgIndex(dim=turned.shape[1], max_degree=own["edges"] // 32 * 32)
        graph.build(turned, ef_construction=own["ef_build"], num_threads=common.threads)
        blobs = files.written(lambda folder: graph.save(str(folder / GRAPH)))
        return SymphonyqgNative(graph, reduction, blobs[GRAPH])

    def _load(
        self,
        rows: Rows,  # noqa: ARG002 (the library has its own copy)
        distance: Distance,
        facts: Mapping[str, Any],
        blobs: Mapping[str, Bytes],
    ) -> Native:
        import rabitqlib  # an optional dependency

        def load(folder: Path) -> Any:
            return rabitqlib.SymqgIndex.load(str(folder / GRAPH))

        reduction = Reduction.from_facts(distance, facts)
        return SymphonyqgNative(files.loaded(blobs, load), reduction, blobs[GRAPH])


class SymphonyqgNative:
    """rabitqlib's graph.

    Args:
        graph: rabitqlib.SymqgIndex.
        reduction: of the rows.
        blob: as rabitqlib wrote it.
    """

    filters = False

    def __init__(self, graph: Any, reduction: Reduction, blob: Bytes) -> None:
        self._graph = graph
        self._reduction = reduction
        self._blob = blob

    @property
    def memory(self) -> int:
        """The graph with its codes, and the vectors that rabitqlib keeps with them."""
        return self._blob.nbytes

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """The nearest by rabitqlib; see `mitame.engines.library.Native.look`."""
        count = asked.count
        ef = max(asked.swept(DEFAULT_EFFORT, *EF), count)
        turned = padded(self._reduction.queries(queries), LEAST_WIDTH)
        found = self._found(turned, count, ef)
        if found is not None:
            return list(found)
        each = [self._found(query[np.newaxis], count, ef) for query in turned]
        return [NOTHING if one is None else one[0] for one in each]

    def _found(self, turned: Rows, count: int, ef: int) -> NDArray[np.int64] | None:
        """int64[q, count]; None where rabitqlib reaches too few rows for one of the queries."""
        try:
            return np.asarray(self._graph.search(turned, count, ef)[0]).astype(np.int64)
        except RuntimeError:
            return None

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """rabitqlib's file, and how queries are turned."""
        return self._reduction.facts(), {GRAPH: self._blob}
