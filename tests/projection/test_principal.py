"""The principal axes and the frame of a map."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.projection.frame import Frame
from mitame.projection.principal import SAMPLE, Principal, drawn


@pytest.mark.parametrize("dimension", [2, 3, 40])
@pytest.mark.parametrize("scale", [1.0, 1e30, 1e-30])
def test_the_axes_are_those_of_a_full_decomposition(dimension: int, scale: float) -> None:
    """Up to their sign they span what SVD finds, whatever the vectors' lengths are."""
    rng = np.random.default_rng(dimension)
    spread = np.array([5.0, 2.0, *np.full(dimension - 2, 0.3)])
    turn = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    vectors = (rng.standard_normal((500, dimension)) * spread @ turn + 1).astype(np.float32)
    found = Principal.of(vectors * np.float32(scale))
    wide = vectors.astype(np.float64)
    truth = np.linalg.svd(wide - wide.mean(axis=0), full_matrices=False)[2][:2].T
    agreement = np.abs(truth.T @ found.axes)
    np.testing.assert_allclose(agreement, np.eye(2), atol=2e-2)
    assert np.isfinite(found.project(vectors * np.float32(scale))).all()


@pytest.mark.parametrize("vectors", [np.zeros((1, 5)), np.ones((7, 1)), np.ones((3, 4))])
def test_vectors_without_any_spread(vectors: np.ndarray) -> None:
    """One vector, equal ones, a single dimension: a place all the same."""
    found = Principal.of(vectors.astype(np.float32)).project(vectors.astype(np.float32))
    assert found.shape == (len(vectors), 2)
    assert np.isfinite(found).all()


def test_a_sample_is_drawn_of_many() -> None:
    """All of few; of many so many, ascending, each once, the same each time."""
    assert drawn(5).tolist() == [0, 1, 2, 3, 4]
    found = drawn(100_000)
    assert len(found) == SAMPLE
    assert (np.diff(found) > 0).all()
    assert np.array_equal(found, drawn(100_000))


def test_a_frame_keeps_shapes_and_lets_a_few_lie_on_the_edge() -> None:
    """Both axes have one scale; a point far away does not make the others small."""
    rng = np.random.default_rng(1)
    points = (rng.random((10_000, 2)) * [10, 5] - 3).astype(np.float32)
    points[7] = (1e6, -1e6)
    unit = Frame.around(points).unit(points)
    assert unit.min() >= 0
    assert unit.max() <= 1
    assert unit[7].tolist() == [1, 0]
    others = np.delete(unit, 7, axis=0)
    width, height = np.ptp(others, axis=0)
    assert width > 0.9
    assert 0.45 < height / width < 0.55


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_frame_around_one_place(count: int) -> None:
    """No point, one, or several at one place: in the middle."""
    points = np.full((count, 2), 4.0, np.float32)
    assert Frame.around(points).unit(points).tolist() == [[0.5, 0.5]] * count
