"""Parts of two pictures: laws of the comparison."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitame.matching import matched

SIZES = st.integers(1, 4)


def features(seed: int, rows: int, columns: int) -> np.ndarray:
    """Float32[rows, columns, 6], not negative, as a network's are after its last ReLU."""
    return np.random.default_rng(seed).random((rows, columns, 6)).astype(np.float32)


@given(st.integers(0, 500), SIZES, SIZES, SIZES, SIZES)
def test_the_shares_are_the_score(seed: int, a: int, b: int, c: int, d: int) -> None:
    """They add up to the cosine of the two means, from either side."""
    one, other = features(seed, a, b), features(seed + 1, c, d)
    mean, there = one.mean(axis=(0, 1)), other.mean(axis=(0, 1))
    score = float(mean @ there / np.linalg.norm(mean) / np.linalg.norm(there))
    assert np.isclose(matched(one, other).share.sum(), score, atol=1e-5)
    assert np.isclose(matched(other, one).share.sum(), score, atol=1e-5)


@given(st.integers(0, 500), SIZES, SIZES)
def test_each_part_finds_its_like(seed: int, a: int, b: int) -> None:
    """Turned around, every part's match is where it has gone, with cosine 1."""
    one = features(seed, a, b)
    found = matched(one, one[::-1, ::-1])
    assert found.match.shape == (a, b)
    assert np.array_equal(found.match.ravel(), np.arange(a * b)[::-1])
    assert np.allclose(found.similarity, 1, atol=1e-5)


def test_nothing_to_see() -> None:
    """A picture without any feature is like nothing: zeros, no NaN."""
    found = matched(np.zeros((2, 2, 6), np.float32), features(1, 2, 2))
    assert not found.similarity.any()
    assert not found.share.any()
