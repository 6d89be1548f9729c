"""An index of the cascade: parts in memory or mapped, searched natively or in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from mitame.distances import Distance, normalise, norms
from mitame.engines.cascade.effort import DEFAULT, plan_for
from mitame.engines.cascade.kinds import kind_of
from mitame.engines.cascade.parts import Stored, cascade_of
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Allow, Parts, Rows
from mitame.engines.settings import usable_cores
from mitame.errors import CorruptCollection
from mitame.neighbors import PADDING, Neighbors

_TAME = 1e12
"""Longest query whose squares are far from float32's end."""
_DAMAGED = 2
_ID, _DISTANCE = np.dtype(np.int64), np.dtype(np.float32)
_PLANS = 1_000
"""Plans that are remembered."""


class CascadeIndex(IndexedRows):
    """Rows, a distance and parts; see `mitame.engines.protocol.Index`.

    Args:
        vectors: float32[rows, dimension], kept by reference.
        distance: which.
        stored: what was built or opened; None for few or untame rows, which are all looked at.
    """

    def __init__(self, vectors: Rows, distance: Distance, stored: Stored | None) -> None:
        super().__init__(vectors, distance)
        self._stored = stored
        self._native: Any = None if stored is None else cascade_of(vectors, stored)
        self._kind = None if stored is None else kind_of(stored.parts, stored.shape)
        self._threads = usable_cores()
        self._plans: dict[tuple[int, float | None], Any] = {}

    @property
    def memory(self) -> int:
        """Bytes of all parts."""
        return sum(part.nbytes for part in self.save().values())

    def save(self) -> Parts:
        """The parts; none where all rows are looked at."""
        return {} if self._stored is None else self._stored.parts

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query; see `mitame.engines.protocol.Searchable.search`.

        Raises:
            InvalidVector, UsageError: as the protocol says.
            CorruptCollection: a part is damaged.
        """
        if allow is None:
            quick = self._plans.get((k, effort))
            if quick is not None:
                found = self._asked_before(quick, queries, k, effort)
                if found is not None:
                    return found
        return self._looked_up(queries, k, effort, allow)

    def _asked_before(
        self, quick: Any, queries: Rows, k: int, effort: float | None
    ) -> Neighbors | None:
        """The answer; None where all queries, or their form, need a closer look."""
        try:
            ids = np.empty((len(queries), k), _ID)
            away = np.empty((len(queries), k), _DISTANCE)
            if not self._native.search_quick(queries, ids, away, quick):
                return Neighbors(ids, away)
        except (TypeError, ValueError):  # another type or shape: the checks say what is wrong
            return None
        # Beside others a query is answered as it is alone: only those that need it are looked at.
        odd = np.flatnonzero(ids[:, -1] == PADDING)
        if len(odd) in (0, len(queries)):
            return None
        rest = self._looked_up(queries[odd], k, effort, None)
        ids[odd], away[odd] = rest.ids, rest.distances
        return Neighbors(ids, away)

    def _looked_up(
        self, queries: Rows, k: int, effort: float | None, allow: Allow | None
    ) -> Neighbors:
        queries = self._checked(queries, k, effort, allow)
        hard = effort == 1 or self._should_scan(k, allow)
        if self._native is None or hard or not self._is_tame(queries):
            return self._scan(queries, k, allow)
        asked = normalise(queries) if self._distance == "cosine" else queries
        allow = None if allow is None else np.ascontiguousarray(allow)
        ids = np.empty((len(queries), k), np.int64)
        away = np.empty((len(queries), k), np.float32)
        plan = self._plan(k, effort, allow)
        if self._native.search(asked, ids, away, *plan, allow, self._threads) == _DAMAGED:
            raise CorruptCollection("the cascade index has a part that leads nowhere")
        return self._filled(queries, Neighbors(ids, away), k, allow)

    def _plan(self, k: int, effort: float | None, allow: Allow | None) -> tuple[int, ...]:
        """How many each stage hands on; remembered where all rows are allowed."""
        assert self._stored is not None
        assert self._kind is not None
        sizes = self._stored.sizes
        plan = plan_for(
            DEFAULT if effort is None else effort,
            k,
            roots=sizes["roots"],
            lists=sizes["lists"],
            edges=sizes["degree"] > 0 and allow is None,
            kind=self._kind,
            residuals=self._stored.shape.residual_bytes > 0,
        )
        if allow is None:
            found = plan.numbers
            if len(self._plans) < _PLANS and self._native is not None:
                self._plans[k, effort] = self._native.quick(*found, self._threads)
            return found
        share = max(0.01, np.count_nonzero(allow) / len(allow))
        roots = min(round(plan.roots / share), sizes["roots"])
        lists = min(round(plan.lists / share), sizes["lists"])
        return roots, lists, *plan.numbers[2:]

    def _is_tame(self, queries: Rows) -> bool:
        lengths = norms(queries)
        if self._distance == "cosine":
            return bool((lengths > 0).all())
        return bool((lengths < _TAME).all())

    def _filled(self, queries: Rows, found: Neighbors, k: int, allow: Allow | None) -> Neighbors:
        """Where the lists that were looked at had too few allowed rows, all are looked at."""
        possible = self.rows if allow is None else int(np.count_nonzero(allow))
        short = np.flatnonzero(found.ids[:, min(k, possible) - 1] == PADDING)
        if len(short) and possible:
            rest = self._scan(queries[short], k, allow)
            found.ids[short], found.distances[short] = rest.ids, rest.distances
        return found
