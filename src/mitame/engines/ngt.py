"""`ngt`: a graph of near neighbours, entered through a tree, by Yahoo! JAPAN's library.

ANNG: each row is joined to those that a search of the graph so far finds; Iwasaki, Pruned
Bi-directed K-nearest Neighbor Graph for Proximity Search (SISAP 2016). ONNG (setting ``onng``): the
edges of each row, outgoing and incoming, are counted out anew from an ANNG; Iwasaki and Miyazaki,
Optimization of Indexing Based on k-Nearest Neighbor Graph for Proximity Search in High-dimensional
Data (arXiv 1810.07355). The library keeps the interpreter to itself while it searches, so that
threads gain nothing here; processes do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mitame.distances import DISTANCES, Distance
from mitame.engines import files
from mitame.engines.blob import Bytes
from mitame.engines.library import Asked, LibraryEngine, Native
from mitame.engines.protocol import Abilities, Candidate, Rows
from mitame.engines.ranking import Ids
from mitame.engines.reduction import Reduction
from mitame.engines.settings import Common, Range

EPSILON = (-0.1, 0.3)
"""How much farther than the k-th the search still walks, as a share, from effort 0 to 1."""
DEFAULT_EFFORT = 0.45
BY_EPSILON = -2
"""NGT's sign for following more edges of each row where epsilon is larger. On Fashion-MNIST the
quickest from recall .97 up for both forms; following all takes twice the time at the same."""
STANDARD_ERROR = 2
_STREAM = threading.Lock()


@dataclass(frozen=True)
class NgtEngine(LibraryEngine):
    """Settings: ``edges`` per row at first; ``onng`` 1, then ``outgoing`` and ``incoming``."""

    name: str = "ngt"
    abilities: Abilities = field(
        default=Abilities(
            exact=False,
            distances=frozenset(DISTANCES),
            extra="ngt",
            deterministic=False,
            releases_gil=False,
        )
    )
    module: ClassVar[str] = "ngtpy"
    own: ClassVar[Mapping[str, Range]] = {
        "edges": Range(20, 4, 1_000),
        "onng": Range(0, 0, 1),
        "outgoing": Range(10, 1, 1_000),
        "incoming": Range(80, 1, 1_000),
    }

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """An ANNG, an ONNG of twice the building cost, a denser ANNG."""
        return (
            Candidate({"edges": 20}),
            Candidate({"edges": 50, "onng": 1, "incoming": 40}),
            Candidate({"edges": 50}),
        )

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        reduction = Reduction.of(rows, distance)
        turned = np.ascontiguousarray(reduction.rows(rows))
        blobs = files.written(lambda folder: _built(folder, turned, common.threads, own))
        return NgtNative(blobs, reduction)

    def _load(
        self,
        rows: Rows,  # noqa: ARG002 (the library has its own copy)
        distance: Distance,
        facts: Mapping[str, Any],
        blobs: Mapping[str, Bytes],
    ) -> Native:
        reduction = Reduction.from_facts(distance, facts)
        return NgtNative(blobs, reduction)


def _built(folder: Path, turned: Rows, threads: int, own: Mapping[str, int]) -> None:
    """Leave the index's files, and nothing else, in the folder."""
    import ngtpy  # an optional dependency

    with files.folder() as other:
        first = str(other / "anng") if own["onng"] else str(folder)
        ngtpy.create(first, turned.shape[1], edge_size_for_creation=own["edges"])
        index = ngtpy.Index(first, log_disabled=True)
        index.batch_insert(turned, num_threads=threads)
        index.save()
        index.close()
        if own["onng"]:
            second = other / "onng"
            _optimised(first, str(second), own)
            for path in second.iterdir():
                path.rename(folder / path.name)


def _optimised(first: str, second: str, own: Mapping[str, int]) -> None:
    import ngtpy  # an optional dependency

    optimizer = ngtpy.Optimizer(
        num_of_outgoings=own["outgoing"], num_of_incomings=own["incoming"], log_disabled=True
    )
    optimizer.set_processing_modes(
        search_parameter_optimization=False,
        prefetch_parameter_optimization=False,
        accuracy_table_generation=False,
    )
    with _silent():
        optimizer.execute(first, second)


@contextmanager
def _silent() -> Iterator[None]:
    """Without the library's remarks, which it writes to standard error whatever it is told.

    The stream is the whole process's: what others write there in these seconds is lost, too.
    """
    with _STREAM:
        kept = os.dup(STANDARD_ERROR)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
            os.close(nowhere)


class NgtNative:
    """NGT's index, opened from its files.

    Args:
        blobs: the files, by name.
        reduction: of the rows.
    """

    filters = False

    def __init__(self, blobs: Mapping[str, Bytes], reduction: Reduction) -> None:
        self._blobs = blobs
        self._reduction = reduction
        self._index = files.loaded(blobs, _opened)

    @property
    def memory(self) -> int:
        """Graph, tree, and the vectors that NGT keeps with them."""
        return sum(blob.nbytes for blob in self._blobs.values())

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """The nearest by NGT; see `mitame.engines.library.Native.look`."""
        effort = DEFAULT_EFFORT if asked.effort is None else asked.effort
        epsilon = EPSILON[0] + effort * (EPSILON[1] - EPSILON[0])
        found = (
            self._index.search(query, asked.count, epsilon, BY_EPSILON, with_distance=False)
            for query in self._reduction.queries(queries)
        )
        return [ids.astype(np.int64) for ids in found]

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """NGT's files, and how queries are turned."""
        return self._reduction.facts(), self._blobs


def _opened(folder: Path) -> Any:
    import ngtpy  # an optional dependency

    return ngtpy.Index(str(folder), read_only=True, log_disabled=True)
