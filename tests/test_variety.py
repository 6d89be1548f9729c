"""Near-copies once, and neighbours unlike each other: against the definitions, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.distances import DISTANCES, Distance, pairwise
from mitame.distances import score as one_score
from mitame.variety import collapsed, scores, varied

seeds = st.integers(0, 2**32 - 1)
metrics = st.sampled_from(DISTANCES)


def made(seed: int, count: int) -> np.ndarray:
    """Vectors that lie together in fours."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count // 4 + 1, 6))
    around = np.repeat(centres, 4, axis=0)[:count] + rng.normal(size=(count, 6)) * 0.05
    return rng.permutation(around).astype(np.float32)


def matrix(vectors: np.ndarray, metric: Distance) -> np.ndarray:
    return scores(pairwise(vectors, vectors, metric), metric)


@given(seeds, metrics)
def test_scores_are_those_of_one_distance(seed: int, metric: Distance) -> None:
    """The array's formula is the number's."""
    away = np.abs(made(seed, 4)[:, 0])
    expected = [one_score(float(each), metric) for each in away]
    assert np.allclose(scores(away, metric), expected)


@given(seeds, metrics, st.integers(1, 40), st.floats(0.2, 1.2))
def test_collapsed(seed: int, metric: Distance, count: int, at: float) -> None:
    """What stays is no near-copy of anything before it that stays, and what goes is of one."""
    vectors = made(seed, count)
    alike = matrix(vectors, metric)
    near = np.abs(alike - at) < 1e-5
    if near.any():
        return  # rounding decides, here and there differently
    expected: list[int] = []
    for place in range(count):
        if not any(alike[place, before] >= at for before in expected):
            expected.append(place)
    assert collapsed(vectors, metric, at).tolist() == expected


@given(seeds, metrics, st.integers(1, 30), st.integers(1, 40), st.floats(0, 1))
def test_varied(seed: int, metric: Distance, count: int, limit: int, diversity: float) -> None:
    """Each choice is the best that was left, by the definition of maximal marginal relevance."""
    vectors = made(seed, count)
    alike = matrix(vectors, metric)
    relevance = np.random.default_rng(seed).normal(size=count)
    chosen = varied(relevance, vectors, metric, diversity, limit).tolist()
    assert len(chosen) == len(set(chosen)) == min(limit, count)
    assert chosen[0] == int(np.argmax(relevance))
    for n in range(1, len(chosen)):
        before = chosen[:n]
        worth = (1 - diversity) * relevance - diversity * alike[:, before].max(axis=1)
        left = [place for place in range(count) if place not in before]
        assert worth[chosen[n]] >= worth[left].max() - 1e-4


@pytest.mark.parametrize("metric", DISTANCES)
def test_no_diversity_is_the_order_of_relevance(metric: Distance) -> None:
    """With 0 nothing changes."""
    relevance = np.array([0.1, 0.9, 0.5, 0.9])
    assert varied(relevance, made(0, 4), metric, 0.0, 4).tolist() == [1, 3, 2, 0]
