"""The vectors of an item that is asked for again and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base
from mitame.collection.rows import LensRows
from mitame.distances import norms


@dataclass(frozen=True, slots=True)
class Asked:
    """Vectors that are read where the snapshot has them, and held only where it has not.

    Attributes:
        lengths: the least and the greatest of their lengths.
    """

    lengths: tuple[float, float]
    _held: NDArray[np.float32] | None
    _base: Base | None = None
    _places: NDArray[np.int64] | None = None

    @classmethod
    def stored(cls, base: Base, places: NDArray[np.int64]) -> Asked:
        """Those of rows int64[m] of a snapshot."""
        found = norms(base.vectors(places))
        lengths = (float(found.min(initial=np.inf)), float(found.max(initial=0.0)))
        return cls(lengths, None, base, places)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """float32[m, dimension]."""
        if self._held is not None:
            return self._held
        assert self._base is not None
        assert self._places is not None
        return self._base.vectors(self._places)

    @property
    def bytes(self) -> int:
        """Of memory, about."""
        return 200 + (0 if self._held is None else self._held.nbytes)


def asked_of(rows: LensRows, places: NDArray[np.int64]) -> Asked:
    """Those of rows int64[m]."""
    if (places < rows.base.count).all():
        return Asked.stored(rows.base, places)
    vectors = rows.vectors_of(places)
    found = norms(vectors)
    return Asked((float(found.min()), float(found.max())), vectors)
