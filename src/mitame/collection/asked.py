"""The vectors of an item that is asked for again and again."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

from mitame.collection.base import Base
from mitame.collection.rows import LensRows
from mitame.collection.sketches import Sketcher
from mitame.distances import norms

Floats = NDArray[np.float32]


class Gone(Exception):
    """The snapshot that has the vectors is not open any more."""


class Asked:
    """Vectors that are read where the snapshot has them, and held only where it has not.

    The snapshot is not kept open for them: answers that nobody asks for again lie about for hours,
    and would keep the files of generations that are long gone. What is known of them is found out
    when it is first needed: most answers are never compared with a new vector.

    Args:
        held: float32[m, dimension], m at least 1; None where a snapshot has them.
        base: the snapshot's rows.
        places: int64[m], which of them.
    """

    __slots__ = ("_base", "_held", "_lengths", "_places", "_sketch")

    def __init__(
        self,
        held: Floats | None,
        base: weakref.ref[Base] | None = None,
        places: NDArray[np.int64] | None = None,
    ) -> None:
        self._held = held
        self._base = base
        self._places = places
        self._lengths: tuple[float, float] | None = None
        self._sketch: tuple[Sketcher, Floats] | None = None

    @classmethod
    def held(cls, vectors: Floats) -> Asked:
        """Vectors of nobody's, float32[m, dimension], m at least 1."""
        return cls(vectors)

    @classmethod
    def stored(cls, base: Base, places: NDArray[np.int64]) -> Asked:
        """Those of rows int64[m] of a snapshot."""
        return cls(None, weakref.ref(base), places)

    @property
    def is_held(self) -> bool:
        """Whether no snapshot has to be read for them."""
        return self._held is not None

    def __len__(self) -> int:
        """How many vectors."""
        if self._held is not None:
            return len(self._held)
        assert self._places is not None
        return len(self._places)

    @property
    def vectors(self) -> Floats:
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
    def lengths(self) -> tuple[float, float]:
        """The least and the greatest of their lengths.

        Raises:
            Gone: as for `vectors`.
        """
        if self._lengths is None:
            found = norms(self.vectors)
            self._lengths = (float(found.min(initial=np.inf)), float(found.max(initial=0.0)))
        return self._lengths

    def sketch(self, sketcher: Sketcher) -> Floats:
        """float32[m, size]: what sketches of rows are compared with.

        Raises:
            Gone: as for `vectors`.
        """
        if self._sketch is None or self._sketch[0] is not sketcher:
            self._sketch = sketcher, sketcher.question(self.vectors)
        return self._sketch[1]

    @property
    def bytes(self) -> int:
        """Of memory, about, but for a sketch."""
        return 200 + (0 if self._held is None else self._held.nbytes)


def asked_of(rows: LensRows, places: NDArray[np.int64]) -> Asked:
    """Those of rows int64[m]."""
    if (places < rows.base.count).all():
        return Asked.stored(rows.base, places)
    return Asked.held(rows.vectors_of(places))
