"""Every distance as the Euclidean one between other vectors, for libraries that know only that.

| distance | a row becomes | a query becomes |
|---|---|---|
| ``euclidean`` | itself | itself |
| ``cosine`` | its unit vector | its unit vector |
| ``inner_product`` | (x, sqrt(L^2 - x . x)), L the greatest length | (q, 0) |

Squared Euclidean distances are then 2 - 2 cos(q, x), and q . q + L^2 - 2 q . x: the nearest are the
same. The added column is the one of Bachrach et al., Speeding Up the Xbox Recommender System Using
a Euclidean Transformation for Inner-Product Spaces (RecSys 2014), section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mitame.distances import Distance, normalise, norms
from mitame.engines.protocol import Rows

_TAME = (1e-6, 1e6)
"""Greatest lengths between which squares are left as they are."""
_BLOCK_FLOATS = 1 << 22


@dataclass(frozen=True)
class Reduction:
    """How rows and queries of one distance are turned.

    Attributes:
        distance: of the rows as they are.
        longest: the greatest length of a row times `scale`; 0 where it is not needed.
        scale: what rows and queries are multiplied by, a power of two: squares of very long
            vectors leave what float32 can hold.
    """

    distance: Distance
    longest: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, rows: Rows, distance: Distance) -> Reduction:
        """The reduction of these rows, float32[rows, dimension]."""
        if distance == "cosine":
            return cls(distance)
        longest = max((float(norms(part).max()) for part in _blocks(rows)), default=0.0)
        tame = longest == 0 or _TAME[0] <= longest <= _TAME[1]
        scale = 1.0 if tame else float(2.0 ** -np.ceil(np.log2(longest)))
        return cls(distance, longest * scale, scale)

    @classmethod
    def from_facts(cls, distance: Distance, facts: Mapping[str, Any]) -> Reduction:
        """The reduction that gave these facts."""
        return cls(distance, float(facts["longest"]), float(facts["scale"]))

    def facts(self) -> dict[str, Any]:
        """What JSON can hold and `from_facts` needs."""
        return {"longest": self.longest, "scale": self.scale}

    def width(self, dimension: int) -> int:
        """Floats of a turned vector."""
        return dimension + (self.distance == "inner_product")

    def rows(self, rows: Rows) -> Rows:
        """Rows turned: float32[rows, width]; the input itself where nothing changes."""
        if self.distance == "cosine":
            return normalise(rows)
        scaled = self._scaled(rows)
        if self.distance == "euclidean":
            return scaled
        out = np.empty((len(rows), self.width(rows.shape[1])), np.float32)
        out[:, :-1] = scaled
        rest = np.maximum(self.longest**2 - norms(scaled) ** 2, 0)
        out[:, -1] = np.sqrt(rest)
        return out

    def queries(self, queries: Rows) -> Rows:
        """Queries turned: float32[q, width]."""
        if self.distance == "cosine":
            return normalise(queries)
        scaled = self._scaled(queries)
        if self.distance == "euclidean":
            return scaled
        return np.pad(scaled, ((0, 0), (0, 1)))

    def _scaled(self, vectors: Rows) -> Rows:
        return vectors if self.scale == 1 else vectors * np.float32(self.scale)


def padded(turned: Rows, least: int) -> Rows:
    """At least so many columns, contiguous float32[n, max(least, width)]; the new ones are zero."""
    missing = max(0, least - turned.shape[1])
    return np.ascontiguousarray(np.pad(turned, ((0, 0), (0, missing))) if missing else turned)


def _blocks(rows: Rows) -> list[Rows]:
    step = max(1, _BLOCK_FLOATS // max(1, rows.shape[1]))
    return [rows[start : start + step] for start in range(0, len(rows), step)]
