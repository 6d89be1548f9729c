"""Searching parts of the columns at the same time, and ranking what they found on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mitame.distances import Distance, normalise
from mitame.engines import parallel
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Allow, Rows, Searchable
from mitame.engines.ranking import Ids
from mitame.engines.sanny_votes import Union, elect, unite
from mitame.errors import MitameError
from mitame.neighbors import Neighbors

Answers: TypeAlias = Sequence[Neighbors]

_SWEEP = 16
"""From effort 1/2 to either end, `top` changes by this factor."""
_LEAST_VOTED = 4
"""With votes, so many times k rows are ranked at least,"""
_VOTED_SHARE = 4
"""and one in so many of all answers of the parts."""


@dataclass(frozen=True)
class Available:
    """An answer from those parts that could give one.

    Attributes:
        neighbors: with true distances; rows that only failed parts would have found are missing.
        failed: numbers of the parts that gave none, and why.
    """

    neighbors: Neighbors
    failed: tuple[tuple[int, MitameError], ...]

    @property
    def complete(self) -> bool:
        """Every part has answered."""
        return not self.failed


@dataclass(frozen=True)
class Spread:
    """Parts of the columns, each with something that searches it.

    A part may search here or elsewhere: what it can't do it says by a `MitameError`.

    Attributes:
        parts: at least one; part b was built over the columns from b * width, the last over what
            remains.
        width: columns of each part but the last.
        top: how many rows each part is asked for, unless an effort says otherwise; never fewer
            than are asked for in all.
        votes: rank those found by most parts only; else all that were found.
    """

    parts: Sequence[Searchable]
    width: int
    top: int
    votes: bool

    def columns(self, part: int) -> slice:
        """Of a vector."""
        return slice(part * self.width, (part + 1) * self.width)

    def wanted(self, k: int, effort: float | None, rows: int) -> int:
        """How many rows each part is asked for."""
        factor = 1.0 if effort is None else _SWEEP ** (2 * effort - 1)
        return max(1, min(rows, max(k, round(self.top * factor))))

    def ask(
        self, queries: Rows, top: int, effort: float | None, allow: Allow | None
    ) -> list[Neighbors | MitameError]:
        """What each part answers, or why it doesn't."""

        def ask(part: int) -> Neighbors | MitameError:
            asked = np.ascontiguousarray(queries[:, self.columns(part)])
            try:
                return self.parts[part].search(asked, top, effort=effort, allow=allow)
            except MitameError as error:
                return error

        return parallel.each(ask, range(len(self.parts)))


class SannyIndex(IndexedRows):
    """Rows with a spread of their columns; see `mitame.engines.protocol.Index`."""

    def __init__(self, vectors: Rows, distance: Distance, spread: Spread) -> None:
        super().__init__(vectors, distance)
        self.spread = spread

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest of the rows that the parts found, by their true distances.

        Raises:
            InvalidVector, UsageError: as `mitame.engines.protocol.Searchable.search` says.
            MitameError: whatever a part could not do; never an answer without it.
        """
        answer = self.search_available(queries, k, effort=effort, allow=allow)
        if answer.failed:
            raise answer.failed[0][1]
        return answer.neighbors

    def search_available(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Available:
        """The same from the parts that are there, saying which are not.

        Raises:
            InvalidVector, UsageError: as `search`.
            MitameError: why the first part failed, when all did.
        """
        queries = self._checked(queries, k, effort, allow)
        if self._should_scan(k, allow) or not len(queries):
            return Available(self._scan(queries, k, allow), ())
        asked = normalise(queries) if self._distance == "cosine" else queries
        top = self.spread.wanted(k, effort, self.rows)
        found = self.spread.ask(asked, top, effort, allow)
        answers = [answer for answer in found if isinstance(answer, Neighbors)]
        failed = tuple((b, each) for b, each in enumerate(found) if isinstance(each, MitameError))
        if not answers:
            raise failed[0][1]
        elected = (self._elected(union, k, top) for union in self._united(answers))
        return Available(self._rank(queries, elected, k, allow), failed)

    def unions(self, queries: Rows, top: int) -> list[Union]:
        """What the parts find of each query, float32[q, dimension], before any of it is ranked.

        Raises:
            MitameError: what a part could not do.
        """
        asked = normalise(queries) if self._distance == "cosine" else queries
        answers = []
        for answer in self.spread.ask(asked, top, None, None):
            if isinstance(answer, MitameError):
                raise answer
            answers.append(answer)
        return self._united(answers)

    def _united(self, answers: Answers) -> list[Union]:
        """Per query, with distances that can be added: squared, but for inner products."""
        away = [each.distances.astype(np.float64) for each in answers]
        if self._distance != "inner_product":
            away = [each * each for each in away]
        return [
            unite([(each.ids[q], far[q]) for each, far in zip(answers, away, strict=True)])
            for q in range(len(answers[0].ids))
        ]

    def _elected(self, union: Union, k: int, top: int) -> Ids:
        if not self.spread.votes:
            return union.ids
        share = top * len(self.spread.parts) // _VOTED_SHARE
        return elect(union, max(_LEAST_VOTED * k, share))
