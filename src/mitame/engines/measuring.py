"""How much of the truth an index finds: rows are asked for their neighbours, as a user would.

A row that is asked is left out of its own truth and of its own answer. A neighbour that was found
counts when it is no farther than the k-th true one, so that ties count, whichever was answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.engines.protocol import Rows, Searchable
from mitame.engines.ranking import Ids
from mitame.neighbors import PADDING, Neighbors, without


@dataclass(frozen=True)
class Questions:
    """Queries whose true neighbours are known.

    Attributes:
        queries: float32[q, dimension].
        own: int64[q], the row that each query is.
        k: how many neighbours are asked for.
        farthest: float32[q], how far the k-th true neighbour is.
        wanted: how many neighbours there are to be found, at most `k`.
    """

    queries: Rows
    own: Ids
    k: int
    farthest: NDArray[np.float32]
    wanted: int

    def __len__(self) -> int:
        return len(self.own)

    def part(self, start: int, stop: int) -> Questions:
        """Some of them, in their order."""
        cut = slice(start, stop)
        return Questions(self.queries[cut], self.own[cut], self.k, self.farthest[cut], self.wanted)

    @property
    def asked(self) -> int:
        """The k of a search: the row itself comes beside its neighbours."""
        return self.k + 1


def questions(vectors: Rows, exact: Searchable, *, k: int, sample: int, seed: int) -> Questions:
    """Rows drawn at random and in a random order, with the truth about each.

    Args:
        vectors: float32[rows, dimension], at least two rows; of rows that are mapped, only those
            drawn are read here.
        exact: an exact index over them.
        k: at least 1.
        sample: at most so many are drawn.
        seed: of the draw.
    """
    count = min(sample, len(vectors))
    own = np.random.default_rng(seed).choice(len(vectors), count, replace=False).astype(np.int64)
    ascending = np.sort(own)  # rows are read in the order of the file
    read = np.ascontiguousarray(vectors[ascending], np.float32)
    queries = read[np.searchsorted(ascending, own)]
    wanted = min(k, len(vectors) - 1)
    truth = without_own(exact.search(queries, k + 1), own, k)
    farthest = truth.distances[:, wanted - 1].copy()
    return Questions(queries, own, k, farthest, wanted)


def without_own(found: Neighbors, own: Ids, k: int) -> Neighbors:
    """An answer of width k or more without each query's own row, cut to k.

    Args:
        found: ids int64[q, c], c at least k.
        own: int64[q].
        k: at least 1.
    """
    return without(found, found.ids == own[:, np.newaxis], k)


def recall(found: Neighbors, asked: Questions) -> float:
    """Share of the true neighbours that were found, 0 to 1.

    Args:
        found: the answer to all the questions, with k + 1 each.
        asked: them.
    """
    if not len(asked) or asked.wanted < 1:
        return 1.0
    answer = without_own(found, asked.own, asked.k)
    near = (answer.ids != PADDING) & (answer.distances <= asked.farthest[:, np.newaxis])
    hits = np.minimum(near.sum(axis=1), asked.wanted)
    return float(hits.sum() / (len(asked) * asked.wanted))
