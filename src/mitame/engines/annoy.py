"""`annoy`: a forest of trees that split by planes between random pairs, by Spotify's library.

Each tree halves the rows again and again by the plane that lies between two rows picked by chance;
a search descends all trees at once, nearest side first, until it has seen so many rows (Annoy's
own description, github.com/spotify/annoy). Angular and Euclidean trees are told apart by the
reduction only: all are Euclidean ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

METRIC = "euclidean"
FOREST = "forest"
DEFAULT_EFFORT = 0.5
LEAST_SEEN = 100
MOST_SEEN = 200_000


@dataclass(frozen=True)
class AnnoyEngine(LibraryEngine):
    """Setting: ``trees``."""

    name: str = "annoy"
    abilities: Abilities = field(
        default=Abilities(
            exact=False, distances=frozenset(DISTANCES), extra="annoy", deterministic=False
        )
    )
    module: ClassVar[str] = "annoy"
    own: ClassVar[Mapping[str, Range]] = {"trees": Range(50, 1, 2_000)}

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:  # noqa: ARG002 (the protocol's)
        """Few and many trees."""
        return tuple(Candidate({"trees": trees}) for trees in (50, 20, 100, 200))

    def _make(
        self, rows: Rows, distance: Distance, common: Common, own: Mapping[str, int]
    ) -> Native:
        from annoy import AnnoyIndex  # an optional dependency

        reduction = Reduction.of(rows, distance)
        forest = AnnoyIndex(reduction.width(rows.shape[1]), METRIC)
        forest.set_seed(common.seed + 1)  # Annoy takes 0 for its own default
        for number, row in enumerate(reduction.rows(rows)):
            forest.add_item(number, row.tolist())
        forest.build(own["trees"], n_jobs=common.threads)
        blobs = files.written(lambda folder: forest.save(str(folder / FOREST)))  # and maps it
        return AnnoyNative(forest, reduction, own["trees"], blobs[FOREST])

    def _load(
        self,
        rows: Rows,
        distance: Distance,
        facts: Mapping[str, Any],
        blobs: Mapping[str, Bytes],
    ) -> Native:
        from annoy import AnnoyIndex  # an optional dependency

        reduction = Reduction.from_facts(distance, facts)
        forest = AnnoyIndex(reduction.width(rows.shape[1]), METRIC)

        def load(folder: Path) -> None:
            forest.load(str(folder / FOREST))

        files.loaded(blobs, load)
        return AnnoyNative(forest, reduction, facts["trees"], blobs[FOREST])


class AnnoyNative:
    """A forest that was saved or loaded: it is mapped, and keeps no other memory.

    Args:
        forest: annoy.AnnoyIndex.
        reduction: of the rows.
        trees: how many it has.
        blob: as Annoy wrote it.
    """

    filters = False

    def __init__(self, forest: Any, reduction: Reduction, trees: int, blob: Bytes) -> None:
        self._forest = forest
        self._reduction = reduction
        self._trees = trees
        self._blob = blob

    @property
    def memory(self) -> int:
        """The trees, and the vectors that Annoy keeps with them."""
        return self._blob.nbytes

    def look(self, queries: Rows, asked: Asked) -> Sequence[Ids]:
        """The nearest of the rows seen; see `mitame.engines.library.Native.look`."""
        rows = self._forest.get_n_items()
        seen = asked.swept(DEFAULT_EFFORT, LEAST_SEEN, min(MOST_SEEN, rows * self._trees))
        seen = max(seen, 2 * asked.count)
        return [
            np.asarray(self._forest.get_nns_by_vector(query.tolist(), asked.count, seen), np.int64)
            for query in self._reduction.queries(queries)
        ]

    def save(self) -> tuple[Mapping[str, Any], Mapping[str, Bytes]]:
        """Annoy's file, and what it leaves out."""
        return {**self._reduction.facts(), "trees": self._trees}, {FOREST: self._blob}
