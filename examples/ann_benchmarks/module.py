"""mitame in ann-benchmarks: lives there as ann_benchmarks/algorithms/mitame/module.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from mitame.engines.catalog import find

from ..base.module import BaseANN

DISTANCES = {"angular": "cosine", "euclidean": "euclidean"}


class Mitame(BaseANN):  # type: ignore[misc]  # ann-benchmarks has no types
    """One engine of mitame's catalogue, built as the engine itself would choose.

    Args:
        metric: ``angular`` or ``euclidean``.
        engine: a name of the catalogue.
        candidate: which of the engine's ways to build; the last one where it has fewer.
    """

    def __init__(self, metric: str, engine: str, candidate: int = 0) -> None:
        self._distance = DISTANCES[metric]
        self._engine = find(engine)
        self._candidate = candidate
        self._effort: float | None = None
        self._settings: dict[str, Any] = {}

    def fit(self, X: Any) -> None:  # noqa: N803 (the base's name)
        """Build the index over float[n, d]."""
        rows = np.ascontiguousarray(X, dtype=np.float32)
        ways = self._engine.candidates(*rows.shape)
        way = ways[min(self._candidate, len(ways) - 1)]
        self._settings = dict(way.settings)
        self._index = self._engine.build(rows, self._distance, **self._settings)

    def set_query_arguments(self, effort: float) -> None:
        """How hard to look from now on: 0 (quickest) to 1 (all)."""
        self._effort = effort

    def query(self, v: Any, n: int) -> Any:
        """Rows of the n nearest, nearest first; fewer where there are fewer."""
        found = self._index.search(_asked(v[np.newaxis]), n, effort=self._effort).ids[0]
        return found[found >= 0]

    def batch_query(self, X: Any, n: int) -> None:  # noqa: N803 (the base's name)
        """All queries in one call, on all cores that the process may use."""
        self._found = self._index.search(_asked(X), n, effort=self._effort).ids

    def get_batch_results(self) -> Any:
        """What `batch_query` found."""
        return [line[line >= 0] for line in self._found]

    def get_additional(self) -> dict[str, Any]:
        """What the index needs in memory beside the rows, for the record."""
        return {"index_bytes": self._index.memory}

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value}" for name, value in self._settings.items())
        return f"mitame {self._engine.name}({words}) effort={self._effort}"


def _asked(queries: Any) -> Any:
    return np.ascontiguousarray(queries, dtype=np.float32)
