"""Candidates of several parts as one list: in how many parts each was found, and how near there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.engines.ranking import Ids
from mitame.neighbors import PADDING


@dataclass(frozen=True)
class Union:
    """Rows that at least one part answered to a query.

    Attributes:
        ids: int64[u], ascending.
        votes: int64[u], in how many parts each was found.
        estimates: float64[u], the sum over the parts of how far each is away there; in a part
            that didn't answer it, as far as the last that it did answer. Never more than the
            true sum where the parts are exact.
    """

    ids: Ids
    votes: NDArray[np.int64]
    estimates: NDArray[np.float64]


def unite(answers: Sequence[tuple[Ids, NDArray[np.float64]]]) -> Union:
    """The union of the parts' answers to one query.

    Args:
        answers: of each part ids int64[top], padded with -1, and how far away each is there,
            float64[top] ascending, in terms that can be added: squared for Euclidean distances.
    """
    real = [(ids[ids != PADDING], away[ids != PADDING]) for ids, away in answers]
    real = [(ids, away) for ids, away in real if len(ids)]
    if not real:
        nothing = np.empty(0, np.int64)
        return Union(nothing, nothing, np.empty(0))
    last = np.array([away[-1] for _, away in real])
    found = np.concatenate([ids for ids, _ in real])
    saved = np.concatenate([end - away for end, (_, away) in zip(last, real, strict=True)])
    ids, places = np.unique(found, return_inverse=True)
    votes = np.bincount(places, minlength=len(ids))
    estimates = last.sum() - np.bincount(places, weights=saved, minlength=len(ids))
    return Union(ids, votes, estimates)


def elect(union: Union, budget: int) -> Ids:
    """At most `budget` rows: whole layers of equal votes, most votes first, and of the layer that
    doesn't fit as a whole those that are nearest by their estimates.

    Where the parts answered so much that most rows have all votes, votes alone say nothing: the
    boundary lies within the first layer then, and the estimates choose.
    """
    order = np.lexsort((union.ids, union.estimates, -union.votes))
    return union.ids[order[:budget]]
