"""Sketches: whatever is near is never told to be far."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.collection.sketches import Sketcher, sample_of
from mitame.distances import Distance, exact, normalise, norms

ROWS = 400


def cloud(rng: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    """Vectors that vary more in some directions, as those of pictures do."""
    scale = (np.arange(dimension) + 1.0) ** -0.7
    return (rng.standard_normal((count, dimension)) * scale).astype(np.float32)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "inner_product"])
@pytest.mark.parametrize("dimension", [5, 64, 200])
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e4])
def test_none_is_missed(distance: Distance, dimension: int, length: float) -> None:
    """Every row within a distance passes, at the very distance of a row, too."""
    rng = np.random.default_rng(dimension)
    rows = cloud(rng, ROWS, dimension) * np.float32(length)
    rows[7] = rows[8]
    rows[9] = 0
    if distance == "cosine":
        rows = normalise(rows)
    sketcher = Sketcher.of(rows, distance)
    assert (sketcher.basis is None) == (dimension <= 64)
    questions = rows[[0, 7, 30]]
    short = sketcher.rows(rows)
    longest = float(norms(rows).max())
    for question in questions[:, np.newaxis]:
        away = exact(question[0], rows, distance)
        own = float(norms(question)[0])
        for limit in np.sort(away)[[0, 1, 10, 100, ROWS - 1]]:
            bound = sketcher.least((own, own), float(limit), longest)
            near = away <= limit
            assert (short @ sketcher.question(question)[0] >= bound)[near].all()
            assert (sketcher.products(rows, question) >= bound)[near].all()


def test_most_of_the_far_are_told() -> None:
    """A sketch that let everything pass would be right, and of no use."""
    rng = np.random.default_rng(1)
    rows = normalise(cloud(rng, 2_000, 640))
    sketcher = Sketcher.of(rows[sample_of(2_000)], "cosine")
    assert sketcher.size == 66
    short = sketcher.rows(rows)
    away = exact(rows[0], rows, "cosine")
    bound = sketcher.least((1.0, 1.0), float(np.sort(away)[10]), 1.0)
    passing = int((short @ sketcher.question(rows[:1])[0] >= bound).sum())
    assert 11 <= passing < 1_000


def test_a_sample_that_says_nothing() -> None:
    """Too few rows, or none, make no directions: vectors stay whole."""
    assert Sketcher.of(np.empty((0, 1_280), np.float32), "cosine").basis is None
    assert Sketcher.of(np.ones((3, 1_280), np.float32), "cosine").basis is None
    assert len(sample_of(10)) == 10
    assert len(sample_of(1_000_000)) == len(np.unique(sample_of(1_000_000))) == 2_048
