"""The square that a map is shown in: coordinates of any scale as 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_OUTSIDE = 0.001
"""Share of points at either end that may lie on the edge, so that a few far ones don't make the
rest small."""
_MARGIN = 0.02


@dataclass(frozen=True)
class Frame:
    """A square: both axes have one scale.

    Attributes:
        left, top: its corner with the least coordinates.
        side: its length, above 0.
    """

    left: float
    top: float
    side: float

    @classmethod
    def around(cls, points: Floats) -> Frame:
        """The one around points float32[n, 2], but for a few far ones."""
        if not len(points):
            return cls(0.0, 0.0, 1.0)
        low, high = np.quantile(points.astype(np.float64), [_OUTSIDE, 1 - _OUTSIDE], axis=0)
        side = float((high - low).max()) * (1 + 2 * _MARGIN) or 1.0
        left, top = ((low + high) / 2 - side / 2).tolist()
        return cls(left, top, side)

    def unit(self, points: Floats) -> Floats:
        """float32[n, 2], 0 to 1, of points float32[n, 2]; those outside lie on the edge."""
        corner = np.array([self.left, self.top], np.float64)
        return np.clip((points - corner) / self.side, 0, 1).astype(np.float32)
