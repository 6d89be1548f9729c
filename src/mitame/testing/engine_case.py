"""The engine under test, its data and its indexes, for the laws of the other files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from mitame.distances import Distance
from mitame.engines.protocol import Engine, Index, Rows
from mitame.testing.engine_truth import clumps


class EngineCase:
    """What the laws have in common.

    Attributes:
        ROWS, DIMENSION: of the small data, which most laws use.
        MANY: rows of the large data: enough that a filter of a half is not simply scanned.
        MAPPED: rows of the data whose parts are long enough to see whether they were read.
        RECALL_FULL: what an engine that is not exact finds at effort 1, of ten, on either data.
        RECALL_DEFAULT: the same at its default effort.
        SETTINGS: how the engine is built where a law says nothing else.
    """

    ROWS: ClassVar[int] = 300
    MANY: ClassVar[int] = 4_500
    DIMENSION: ClassVar[int] = 24
    MAPPED: ClassVar[int] = 20_000
    RECALL_FULL: ClassVar[float] = 0.95
    RECALL_DEFAULT: ClassVar[float] = 0.8
    SETTINGS: ClassVar[Mapping[str, Any]] = {}

    _built: ClassVar[dict[tuple[object, ...], Index]] = {}

    def make(self) -> Engine:
        """The engine under test."""
        raise NotImplementedError  # the class that inherits says which

    def data(self, seed: int = 0) -> tuple[Rows, Rows]:
        """Rows float32[ROWS, DIMENSION] in clumps, with some equal ones, and seven queries."""
        rows, _ = clumps(self.ROWS, self.DIMENSION, seed)
        rows[20:30] = rows[10:20]
        return rows, self._queries(rows, seed)

    def much_data(self) -> tuple[Rows, Rows]:
        """The same with MANY rows."""
        rows, _ = clumps(self.MANY, self.DIMENSION, 1)
        return rows, self._queries(rows, 1)

    def _queries(self, rows: Rows, seed: int) -> Rows:
        far = np.random.default_rng(seed + 100).normal(size=(4, self.DIMENSION))
        return np.concatenate([rows[5:8], far]).astype(np.float32)

    def each(self) -> Iterator[tuple[Engine, Distance]]:
        """The engine with each of its distances."""
        engine = self.make()
        for distance in sorted(engine.abilities.distances):
            yield engine, distance

    def build(self, engine: Engine, rows: Rows, distance: Distance, **settings: Any) -> Index:
        """An index with this case's settings."""
        return engine.build(rows, distance, **{**self.SETTINGS, **settings})

    def small(self, engine: Engine, distance: Distance) -> Index:
        """An index over `data()`; built once, as indexes never change."""
        return self._kept(engine, distance, "small")

    def large(self, engine: Engine, distance: Distance) -> Index:
        """An index over `much_data()`; built once."""
        return self._kept(engine, distance, "large")

    def _kept(self, engine: Engine, distance: Distance, size: str) -> Index:
        key = (type(self), engine.name, distance, size)
        if key not in self._built:
            rows, _ = self.data() if size == "small" else self.much_data()
            self._built[key] = self.build(engine, rows, distance)
        return self._built[key]
