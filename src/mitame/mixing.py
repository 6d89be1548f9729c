"""One query vector from examples of what is looked for and of what is not.

Rocchio's rule (J. Rocchio, "Relevance feedback in information retrieval", 1971): towards the mean
of the positive examples, away from that of the negative ones. Written as a step from one mean
along the difference of both, ``p + w (p - n)``, it means the same under every distance: where the
origin lies does not matter to it. Under cosine it is the direction of ``p - w / (1 + w) n``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.errors import InvalidVector

Floats = NDArray[np.float32]
NEGATIVE_WEIGHT = 0.25
"""Negative examples count a fifth of positive ones, as 0.15 beside 0.75: the usual weights of
Rocchio's rule (Manning, Raghavan, Schuetze, "Introduction to Information Retrieval", 9.1.1)."""
MAX_WEIGHT = 10.0


def mixed(positive: Floats, negative: Floats, weight: float, distance: Distance) -> Floats:
    """The vector to search with, float32[dimension].

    Args:
        positive: float32[p, dimension], one row per example, p at least 1.
        negative: float32[n, dimension], n may be 0.
        weight: how far to go away from the negative mean, 0 to 10.
        distance: under cosine, examples count by their direction alone.

    Raises:
        InvalidVector: the examples cancel each other out, so that no direction is left; or the
            numbers become too large for float32.
    """
    if distance == "cosine":
        positive, negative = normalise(positive), normalise(negative)
    found = positive.mean(axis=0, dtype=np.float64)
    if len(negative):
        found += weight * (found - negative.mean(axis=0, dtype=np.float64))
    if distance == "cosine" and np.linalg.norm(found) < 1e-6:
        raise InvalidVector("the examples cancel each other out", remedy="give fewer of them")
    with np.errstate(over="ignore"):
        vector: Floats = found.astype(np.float32)
    if not np.isfinite(vector).all():
        raise InvalidVector(
            "the examples' numbers become too large", remedy="use a smaller negative_weight"
        )
    return vector
