"""An engine that finds more the harder it looks: small, sure and without a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance
from mitame.engines import catalog
from mitame.engines.indexed import IndexedRows
from mitame.engines.protocol import Abilities, Allow, Candidate, Engine, Index, Parts, Rows
from mitame.engines.settings import Range, check_rows, read
from mitame.errors import CorruptCollection, MissingExtra
from mitame.neighbors import Neighbors


@dataclass(frozen=True)
class CoarseEngine:
    """Sorts rows along one direction and looks at those around the query's place."""

    name: str = "coarse"
    abilities: Abilities = field(
        default=Abilities(exact=False, distances=frozenset(DISTANCES), filters=True)
    )
    is_missing: bool = False

    def check(self) -> None:
        """It is there unless the test says otherwise."""
        if self.is_missing:
            raise MissingExtra(f"engine {self.name!r}", self.name)

    def build(self, vectors: Rows, distance: Distance, **settings: Any) -> CoarseIndex:
        """See `Engine.build`; ``axis`` is the column that rows are sorted by."""
        common, own = read(self.name, settings, {"axis": Range(0, 0, 1_000)})
        rows, known = check_rows(vectors, distance, self.abilities, common)
        column = np.array(rows[:, own["axis"]], np.float32)
        order = np.argsort(column, kind="stable").astype(np.int32)
        return CoarseIndex(rows, known, own["axis"], order, column[order])

    def open(self, vectors: Rows, distance: Distance, parts: Parts) -> CoarseIndex:
        """See `Engine.open`."""
        self.check()
        if set(parts) != {"order", "keys", "axis"} or len(parts["order"]) != len(vectors):
            raise CorruptCollection("the parts are not those of a coarse index")
        axis = int(parts["axis"][0])
        if not 0 <= axis < vectors.shape[1]:
            raise CorruptCollection("a coarse index has an axis that its rows don't have")
        return CoarseIndex(vectors, distance, axis, parts["order"], parts["keys"])

    def candidates(self, rows: int, dimension: int) -> Sequence[Candidate]:
        """Two axes."""
        axes = range(min(2, dimension))
        return [Candidate({"axis": axis}, (0.0, 0.25, 0.5, 1.0)) for axis in axes]


class CoarseIndex(IndexedRows):
    """See `mitame.engines.protocol.Index`."""

    def __init__(
        self,
        vectors: Rows,
        distance: Distance,
        axis: int,
        order: NDArray[np.int32],
        keys: NDArray[np.float32],
    ) -> None:
        super().__init__(vectors, distance)
        self._axis = axis
        self._order = order
        self._keys = keys

    @property
    def memory(self) -> int:
        """See `Index`."""
        return self._order.nbytes + self._keys.nbytes

    def save(self) -> Parts:
        """See `Index`."""
        axis = np.array([self._axis], np.int64)
        return {"order": self._order, "keys": self._keys, "axis": axis}

    def search(
        self,
        queries: Rows,
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """See `Searchable`; at effort 1 every row is looked at."""
        queries = self._checked(queries, k, effort, allow)
        wide = max(2 * k, int(self.rows * (0.1 if effort is None else effort)))
        if wide >= self.rows or allow is not None:
            return self._scan(queries, k, allow)
        around = []
        for query in queries:
            place = int(np.searchsorted(self._keys, query[self._axis]))
            first = min(max(0, place - wide // 2), self.rows - wide)
            near = self._order[first : first + wide].astype(np.int64)
            if len(near) and (near.min() < 0 or near.max() >= self.rows):
                raise CorruptCollection("a coarse index leads out of its rows")
            around.append(near)
        return self._rank(queries, around, k, allow)


def use_engines(patch: pytest.MonkeyPatch, *engines: Engine) -> None:
    """Have exactly these engines in the catalogue, and the exact one."""
    known: Mapping[str, Engine] = {e.name: e for e in (catalog.find("exact"), *engines)}
    patch.setattr(catalog, "ENGINES", MappingProxyType(dict(known)))


def built(vectors: Rows, distance: Distance = "cosine", **settings: Any) -> Index:
    """An index of it."""
    return CoarseEngine().build(vectors, distance, **settings)
