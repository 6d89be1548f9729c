"""Distances: values checked by hand, laws, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mitame.distances import (
    DISTANCES,
    Distance,
    check_distance,
    check_vector,
    check_vectors,
    exact,
    normalise,
    pairwise,
    score,
)
from mitame.errors import InvalidVector, UsageError

Rows = NDArray[np.float32]
VECTORS = arrays(np.float32, (5, 4), elements=st.floats(-1e3, 1e3, width=32))


def _array(*rows: list[float]) -> Rows:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        ("cosine", [0.0, 1.0, 2.0, 1 - 2**-0.5, 1.0]),
        ("euclidean", [0.0, 5.0, 6.0, 4.0, 3.0]),
        ("inner_product", [-9.0, 0.0, 9.0, -9.0, 0.0]),
    ],
)
def test_values_by_hand(distance: Distance, expected: list[float]) -> None:
    """Three, four, five: equal, square to it, opposite, at 45 degrees (cosine), and zero."""
    query = _array([3, 0])
    rows = _array([3, 0], [0, 4], [-3, 0], [3, 3], [0, 0])
    if distance == "euclidean":
        rows[3] = [3, 4]
    assert exact(query[0], rows, distance).tolist() == pytest.approx(expected)
    assert pairwise(query, rows, distance)[0].tolist() == pytest.approx(expected, abs=1e-6)


@given(VECTORS, st.sampled_from(DISTANCES))
def test_pairwise_agrees_with_exact(vectors: Rows, distance: Distance) -> None:
    """Law: the quick way is the exact way within the rounding of the vectors' lengths."""
    quick = pairwise(vectors[:2], vectors, distance)
    assert quick.dtype == np.float32
    longest = float(np.abs(vectors).max()) * 2
    slack = {"cosine": 1e-5, "euclidean": 2e-3 * longest, "inner_product": 1e-5 * longest**2}
    for q in range(2):
        true = exact(vectors[q], vectors, distance)
        np.testing.assert_allclose(quick[q], true, rtol=1e-4, atol=slack[distance] + 1e-6)


@given(VECTORS, st.sampled_from(DISTANCES))
def test_exact_depends_on_no_other_row(vectors: Rows, distance: Distance) -> None:
    """Law: a row asked alone has, to the bit, the distance that it has among others."""
    together = exact(vectors[0], vectors, distance)
    alone = [exact(vectors[0], vectors[i : i + 1], distance)[0] for i in range(5)]
    assert together.tolist() == [float(value) for value in alone]


def test_exact_depends_on_no_other_row_at_real_size() -> None:
    """The same for many rows of 1,280 floats, which are computed in several blocks."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(700, 1280)).astype(np.float32)
    for distance in DISTANCES:
        together = exact(rows[3], rows, distance)
        alone = np.concatenate([exact(rows[3], rows[i : i + 1], distance) for i in range(700)])
        np.testing.assert_array_equal(together, alone)


@given(VECTORS)
def test_equal_vectors_are_at_zero(vectors: Rows) -> None:
    """Law: exactly 0 to itself, but 1 for a zero vector under cosine."""
    for vector in vectors:
        assert exact(vector, vector[np.newaxis], "euclidean")[0] == 0
        cosine = exact(vector, vector[np.newaxis], "cosine")[0]
        assert cosine == (0 if vector.any() else 1)


def test_exact_does_not_cancel() -> None:
    """A difference in the seventh digit of unit vectors is measured to four digits."""
    query = _array([1, 0])
    away = exact(query[0], _array([1, 1e-5]), "cosine")[0]
    assert away == pytest.approx(5e-11, rel=1e-4)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-40, 1e-20, 1e20, 3e38])
def test_ends_of_float32_give_finite_distances(distance: Distance, scale: float) -> None:
    """Neither overflow nor a warning, however long or short the vectors are."""
    rows = (np.array([[1, 1], [1, -1], [-1, -1]]) * scale).astype(np.float32)
    for values in (pairwise(rows, rows, distance), exact(rows[0], rows, distance)):
        assert np.isfinite(values).all()


@given(VECTORS)
def test_normalise(vectors: Rows) -> None:
    """Laws: length 1 or zero, twice is once, the input stays as it is."""
    before = vectors.copy()
    once = normalise(vectors)
    lengths = np.linalg.norm(once.astype(np.float64), axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-6) | ~vectors.any(axis=1))
    np.testing.assert_array_equal(normalise(once), once)
    np.testing.assert_array_equal(vectors, before)


@settings(max_examples=30)
@given(st.sampled_from(DISTANCES), st.floats(0, 2), st.floats(0, 2))
def test_nearer_scores_higher(distance: Distance, a: float, b: float) -> None:
    """Law: a smaller distance never has a lower score."""
    if a <= b:
        assert score(a, distance) >= score(b, distance)


def test_scores_by_hand() -> None:
    """Cosine is the cosine; Euclidean runs from 1 to 0; inner product is itself."""
    assert score(0.25, "cosine") == 0.75
    assert score(0.0, "euclidean") == 1.0
    assert score(3.0, "euclidean") == 0.25
    assert score(-7.0, "inner_product") == 7.0


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 3)),
        np.zeros(4),
        np.zeros((1, 2, 4)),
        3.0,
        [[1, 2, 3, 4], [1, 2]],
        [["a", "b", "c", "d"]],
        np.zeros((1, 4), complex),
        np.zeros((1, 4), bool),
        np.array([[1, 2, 3, object()]]),
        [[None, 1, 2, 3]],
        [[np.nan, 0, 0, 0]],
        [[0, np.inf, 0, 0]],
        [[0, 0, -np.inf, 0]],
        [[1e39, 0, 0, 0]],
        [[10**400, 0, 0, 0]],
    ],
)
def test_what_is_no_vector_is_refused(wrong: object) -> None:
    """Wrong shape, dimension or type, not finite, or too large: a typed error with a message."""
    with pytest.raises(InvalidVector) as caught:
        check_vectors(wrong, 4)  # type: ignore[arg-type]  # on purpose
    assert caught.value.message


def test_good_vectors_pass_without_a_copy() -> None:
    """Contiguous float32 is passed on; lists, integers and float64 become it."""
    good = _array([1, 2, 3, 4])
    assert check_vectors(good, 4) is good
    for other in ([[1, 2, 3, 4]], np.array([[1, 2, 3, 4]], np.int8), good.astype(np.float64)):
        found = check_vectors(other, 4)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, good)
    assert check_vectors(good.repeat(2, axis=1)[:, ::2], 4).flags.c_contiguous
    assert check_vectors(np.empty((0, 4)), 4).shape == (0, 4)


def test_one_vector_has_one_axis() -> None:
    """`check_vector` takes a flat vector and nothing else."""
    assert check_vector([1, 2], 2).tolist() == [1, 2]
    with pytest.raises(InvalidVector):
        check_vector([[1, 2]], 2)
    with pytest.raises(InvalidVector, match="3 dimensions instead of 2"):
        check_vector([1, 2, 3], 2)


def test_unknown_distance_is_refused() -> None:
    """The error lists the known ones."""
    assert check_distance("cosine") == "cosine"
    with pytest.raises(UsageError) as caught:
        check_distance("manhattan")
    assert "euclidean" in caught.value.remedy
