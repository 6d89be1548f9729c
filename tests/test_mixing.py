"""Examples for and against, mixed to one vector."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.errors import InvalidVector
from mitame.mixing import mixed

NOTHING = np.empty((0, 2), np.float32)


def rows(*values: tuple[float, float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_without_negatives_it_is_the_mean() -> None:
    """One example is itself; of several the mean."""
    assert mixed(rows((3, 4)), NOTHING, 1.0, "euclidean").tolist() == [3, 4]
    assert mixed(rows((0, 2), (4, 0)), NOTHING, 1.0, "euclidean").tolist() == [2, 1]


def test_a_step_away_from_the_negatives() -> None:
    """By hand: from (2, 0) away from (0, 2), half the way between them."""
    assert mixed(rows((2, 0)), rows((0, 2)), 0.5, "euclidean").tolist() == [3, -1]
    assert mixed(rows((2, 0)), rows((0, 2)), 0.0, "euclidean").tolist() == [2, 0]


def test_where_the_origin_lies_does_not_matter() -> None:
    """All examples moved, the answer is moved by as much."""
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(size=(3, 5)), rng.normal(size=(2, 5))
    shift = rng.normal(size=5)
    here = mixed(positive.astype("f4"), negative.astype("f4"), 0.7, "euclidean")
    there = mixed(
        (positive + shift).astype("f4"), (negative + shift).astype("f4"), 0.7, "euclidean"
    )
    assert np.allclose(there, here + shift, atol=1e-5)


def test_under_cosine_lengths_do_not_count() -> None:
    """A long example weighs as much as a short one of the same direction."""
    short = mixed(rows((1, 0), (0, 1)), rows((1, 1)), 0.25, "cosine")
    long = mixed(rows((9, 0), (0, 1)), rows((7, 7)), 0.25, "cosine")
    assert np.allclose(short, long)


@pytest.mark.parametrize(
    ("positive", "negative", "weight"),
    [(rows((1, 0), (-1, 0)), NOTHING, 0.25), (rows((1e38, 0)), rows((-3e38, 0)), 10.0)],
)
def test_nothing_left(positive: np.ndarray, negative: np.ndarray, weight: float) -> None:
    """Examples that cancel each other out or run out of range are refused: no NaN is searched."""
    distance = "cosine" if not len(negative) else "euclidean"
    with pytest.raises(InvalidVector):
        mixed(positive, negative, weight, distance)  # type: ignore[arg-type]  # one of the names
