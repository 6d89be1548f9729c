"""Every distance as a Euclidean one: the order of the rows stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitame.distances import DISTANCES, Distance, exact, norms
from mitame.engines.reduction import Reduction


@given(st.sampled_from(DISTANCES), st.integers(0, 2**32 - 1), st.sampled_from([1e-12, 1.0, 1e12]))
def test_the_nearest_stay_the_nearest(distance: Distance, seed: int, scale: float) -> None:
    """Rows of any lengths, sorted by the Euclidean distance of what they become."""
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(40, 5)) * rng.uniform(0.1, 3, (40, 1)) * scale).astype(np.float32)
    query = (rng.normal(size=(1, 5)) * scale).astype(np.float32)
    reduction = Reduction.of(rows, distance)
    turned = exact(reduction.queries(query)[0], reduction.rows(rows), "euclidean")
    true = exact(query[0], rows, distance).astype(np.float64)
    by_turned = true[np.argsort(turned, kind="stable")]
    slack = 1e-4 * (true.max() - true.min())
    assert (np.diff(by_turned) >= -slack).all()


def test_rows_of_the_inner_product_become_equally_long() -> None:
    """The added column brings each to the greatest length; a query gets a zero."""
    rows = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    reduction = Reduction.of(rows, "inner_product")
    turned = reduction.rows(rows)
    assert turned.shape == (50, reduction.width(7)) == (50, 8)
    np.testing.assert_allclose(norms(turned), norms(rows).max(), rtol=1e-6)
    assert reduction.queries(rows[:2])[:, -1].tolist() == [0, 0]


@pytest.mark.parametrize("length", [1e-18, 1e18])
@pytest.mark.parametrize("distance", ["euclidean", "inner_product"])
def test_lengths_that_float32_cannot_square(distance: Distance, length: float) -> None:
    """Very long and very short rows are brought near 1, by a power of two."""
    rows = (np.random.default_rng(0).normal(size=(20, 4)) * length).astype(np.float32)
    reduction = Reduction.of(rows, distance)
    turned = reduction.rows(rows)
    assert 0.5 <= norms(turned).max() <= 2
    assert np.frexp(reduction.scale)[0] == 0.5
    assert np.isfinite(turned**2).all()


def test_nothing_is_copied_without_need() -> None:
    """Euclidean rows, and unit rows under cosine, are the input itself."""
    rows = np.eye(4, dtype=np.float32)
    for distance in ("euclidean", "cosine"):
        reduction = Reduction.of(rows, distance)
        assert reduction.rows(rows) is rows
        assert reduction.queries(rows) is rows


def test_no_rows() -> None:
    """Nothing to turn."""
    for distance in DISTANCES:
        reduction = Reduction.of(np.empty((0, 3), np.float32), distance)
        assert reduction.rows(np.empty((0, 3), np.float32)).shape == (0, reduction.width(3))
