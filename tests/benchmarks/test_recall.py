"""How a measurement is read: ties, the Pareto front, the rate at a recall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.engines.recall import STRICT, TARGETS, Point, distances, front, rate_at, recall

POINTS = st.lists(
    st.builds(Point, st.floats(0, 1), st.floats(1, 1e6)),
    min_size=1,
    max_size=12,
)


def test_distances_are_recomputed_and_repeats_count_once() -> None:
    """What is no row, and a row that is named again, is infinitely far away."""
    rows = np.array([[0, 0], [3, 4], [6, 8]], np.float32)
    found = distances(rows, rows[:1], np.array([[1, 1, 2, -1, 7]]))
    np.testing.assert_array_equal(found, [[5, np.inf, 10, np.inf, np.inf]])


def test_a_tie_counts_and_what_is_further_does_not() -> None:
    """Another row at the k-th distance is as good; one within 1e-3 only by the lenient rule."""
    truth = np.array([[1.0, 2.0, 2.0, 3.0]])
    assert recall(truth, np.array([[1.0, 2.0]]), 2) == 1
    near = np.array([[1.0, 2.001]])
    assert recall(truth, near, 2) == 1
    assert recall(truth, near, 2, STRICT) == 0.5
    assert recall(truth, np.array([[1.0, 2.003]]), 2) == 0.5
    assert recall(truth, np.array([[1.0, np.inf]]), 2) == 0.5


def test_only_the_first_k_count() -> None:
    """An engine gains nothing by answering more than it was asked for."""
    truth = np.array([[1.0, 2.0]])
    assert recall(truth, np.array([[3.0, 1.0, 2.0]]), 1) == 0


@given(POINTS)
def test_nothing_beats_a_point_of_the_front(points: list[Point]) -> None:
    """The front has every best point, ascending in recall, descending in rate."""
    best = front(points)
    assert [p.recall for p in best] == sorted({p.recall for p in best})
    assert [p.rate for p in best] == sorted({p.rate for p in best}, reverse=True)
    for point in points:
        assert any(p.recall >= point.recall and p.rate >= point.rate for p in best)


@given(POINTS, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_recall_is_never_quicker(points: list[Point], one: float, other: float) -> None:
    """And where the lower one is out of reach, so is the higher."""
    low, high = (rate_at(points, target) for target in sorted((one, other)))
    if low is None:
        assert high is None
    elif high is not None:
        assert high <= low * (1 + 1e-9)


@given(POINTS)
def test_interpolation_goes_through_the_points(points: list[Point]) -> None:
    """At a measured recall the rate is the measured one."""
    for point in front(points):
        assert rate_at(points, point.recall) == pytest.approx(point.rate)


def test_between_two_points_the_rate_is_between_theirs() -> None:
    """Half-way in nines is the geometric mean."""
    points = [Point(0.9, 100.0), Point(0.99, 25.0)]
    assert rate_at(points, 1 - 10**-1.5) == pytest.approx(50)
    assert rate_at(points, 0.5) == 100
    assert rate_at(points, 0.995) is None
    assert TARGETS[0] == 0.9
