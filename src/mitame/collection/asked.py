"""The vectors of an item that is asked for again and again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base
from mitame.collection.rows import LensRows
from mitame.distances import norms


class Gone(Exception):
    """The snapshot that has the vectors is not open any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Vectors that are read where the snapshot has them, and held only where it has not.

    The snapshot is not kept open for them: answers that nobody asks for again lie about for hours,
    and would keep the files of generations that are long gone.

    Attributes:
        lengths: the least and the greatest of their lengths.
    """

    lengths: tuple[float, float]
    _held: NDArray[np.float32] | None
    _base: weakref.ref[Base] | None = None
    _places: NDArray[np.int64] | None = None

    @classmethod
    def held(cls, vectors: NDArray[np.float32]) -> Asked:
        """Vectors of nobody's, float32[m, dimension], m at least 1."""
        found = norms(vectors)
        return cls((float(found.min()), float(found.max())), vectors)

    @classmethod
    def stored(cls, base: Base, places: NDArray[np.int64]) -> Asked:
        """Those of rows int64[m] of a snapshot."""
        found = norms(base.vectors(places))
        lengths = (float(found.min(initial=np.inf)), float(found.max(initial=0.0)))
        return cls(lengths, None, weakref.ref(base), places)

    @property
    def is_held(self) -> bool:
        """Whether no snapshot has to be read for them."""
        return self._held is not None

    @property
    def vectors(self) -> NDArray[np.float32]:
        """float32[m, dimension].

        Raises:
            Gone: nobody has the snapshot open that has them.
        """
        if self._held is not None:
            return self._held
        assert self._base is not None
        assert self._places is not None
        base = self._base()
        if base is None:
            raise Gone
        return base.vectors(self._places)

    @property
    def bytes(self) -> int:
        """Of memory, about."""
        return 200 + (0 if self._held is None else self._held.nbytes)


def asked_of(rows: LensRows, places: NDArray[np.int64]) -> Asked:
    """Those of rows int64[m]."""
    if (places < rows.base.count).all():
        return Asked.stored(rows.base, places)
    return Asked.held(rows.vectors_of(places))
