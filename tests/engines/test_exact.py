"""The exact engine where rounding, scale and blocks could show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines import exact
from mitame.engines.exact import ExactEngine
from mitame.errors import InvalidVector, UsageError
from mitame.testing.engines import brute_force

Rows = NDArray[np.float32]


def _rows(seed: int, n: int, dimension: int, scale: float = 1.0) -> Rows:
    return (np.random.default_rng(seed).normal(size=(n, dimension)) * scale).astype(np.float32)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 1e8, 1e30])
def test_any_scale_answers_as_brute_force(distance: Distance, scale: float) -> None:
    """Products that would overflow or vanish in float32 do not change the answer."""
    rows = _rows(1, 200, 16, scale)
    rows[100:110] *= np.float32(1e-3)
    rows[0] = 0
    queries = np.concatenate([rows[:3], _rows(2, 2, 16, scale)])
    index = ExactEngine().build(rows, distance)
    for allow in (None, np.arange(200) % 3 == 0):
        answer = index.search(queries, 12, allow=allow)
        true = brute_force(rows, queries, 12, distance, allow)
        np.testing.assert_array_equal(answer.ids, true.ids)
        np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_rows_closer_than_rounding_are_still_ordered(distance: Distance) -> None:
    """Rows that float32 products can't tell apart come in their true order."""
    rng = np.random.default_rng(3)
    base = normalise(_rows(3, 1, 256))[0]
    rows = (base + rng.normal(size=(500, 256)) * 1e-6).astype(np.float32)
    answer = ExactEngine().build(rows, distance).search(base[np.newaxis], 20)
    true = brute_force(rows, base[np.newaxis], 20, distance)
    np.testing.assert_array_equal(answer.ids, true.ids)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("share", [None, 0.9, 0.2])
def test_blocks_do_not_show(
    monkeypatch: pytest.MonkeyPatch, distance: Distance, share: float | None
) -> None:
    """Many small blocks answer as one large block does, filtered or not."""
    rows, queries = _rows(4, 1500, 8), _rows(5, 3, 8)
    rows[700:760] = rows[0]
    allow = None if share is None else np.random.default_rng(6).random(len(rows)) < share
    whole = ExactEngine().build(rows, distance).search(queries, 70, allow=allow)
    monkeypatch.setattr(exact, "_KEYS_PER_BLOCK", 3 * 256)
    monkeypatch.setattr(exact, "_GATHER_FLOATS", 8 * 100)
    parts = ExactEngine().build(rows, distance).search(queries, 70, allow=allow)
    np.testing.assert_array_equal(whole.ids, parts.ids)
    np.testing.assert_array_equal(whole.distances, parts.distances)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 60),
    k=st.integers(1, 70),
    levels=st.integers(1, 4),
    distance=st.sampled_from(DISTANCES),
    share=st.floats(0, 1),
)
def test_answers_as_brute_force(
    seed: int, n: int, k: int, levels: int, distance: Distance, share: float
) -> None:
    """Law: ids and distances equal brute force, on data full of ties and zeros, under a filter."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-levels, levels + 1, size=(n, 3)).astype(np.float32)
    queries = rng.integers(-levels, levels + 1, size=(2, 3)).astype(np.float32)
    allow = rng.random(n) < share
    answer = ExactEngine().build(rows, distance).search(queries, k, allow=allow)
    true = brute_force(rows, queries, k, distance, allow)
    np.testing.assert_array_equal(answer.ids, true.ids)
    np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_trusted_rows_answer_alike(distance: Distance) -> None:
    """Leaving out the check of rows that are fine changes nothing."""
    rows, queries = normalise(_rows(7, 300, 32)), _rows(8, 4, 32, 5.0)
    checked = ExactEngine().build(rows, distance).search(queries, 9)
    trusted = ExactEngine().build(rows, distance, trusted=True).search(queries, 9)
    np.testing.assert_array_equal(checked.ids, trusted.ids)
    np.testing.assert_array_equal(checked.distances, trusted.distances)


def test_wrong_arguments_are_refused() -> None:
    """Each with its own error, before anything is computed."""
    rows = _rows(9, 5, 4)
    index = ExactEngine().build(rows, "cosine")
    with pytest.raises(UsageError, match="setting 'trees'"):
        ExactEngine().build(rows, "cosine", trees=3)
    with pytest.raises(InvalidVector):
        ExactEngine().build(rows[0], "cosine")
    with pytest.raises(UsageError, match="effort"):
        index.search(rows, 1, effort=1.5)
    with pytest.raises(UsageError, match="allow"):
        index.search(rows, 1, allow=np.ones(4, np.bool_))
    with pytest.raises(UsageError, match="allow"):
        index.search(rows, 1, allow=np.ones(5, np.int8))
