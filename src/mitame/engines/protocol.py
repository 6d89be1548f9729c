"""What an engine is: a description that builds and opens immutable indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance
from mitame.neighbors import Neighbors

Allow = NDArray[np.bool_]


class Index(Protocol):
    """Built over the rows of one snapshot; immutable, safe to search from several threads."""

    @property
    def rows(self) -> int:
        """How many rows it was built over."""
        ...

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        effort: float | None = None,
        allow: Allow | None = None,
    ) -> Neighbors:
        """The k nearest rows of each query.

        Args:
            queries: float32[q, dimension]; never changed.
            k: at least 1; may exceed the number of rows (the answer is padded).
            effort: how hard to look, from 0 (quickest) to 1 (all); the engine's default if None.
            allow: bool[rows]; rows that may be answered. k rows come whenever k are allowed.

        Raises:
            InvalidVector: wrong dimension, NaN or infinity.
        """
        ...


@dataclass(frozen=True)
class Abilities:
    """What an engine declares that it can do.

    Attributes:
        exact: the answer is the true one.
        distances: which distances it can index.
        filters: honours `allow`.
    """

    exact: bool
    distances: frozenset[Distance]
    filters: bool


class Engine(Protocol):
    """A frozen description of an algorithm."""

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can do; what it can't is refused before any state changes."""
        ...

    def build(self, vectors: NDArray[np.float32], distance: Distance, **settings: Any) -> Index:
        """An index over float32[rows, dimension]; the rows may be mapped and are never changed."""
        ...
