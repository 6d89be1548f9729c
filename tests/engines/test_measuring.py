"""Recall: of what, and how it is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.engines.catalog import find
from mitame.engines.measuring import Questions, questions, recall, without_own
from mitame.neighbors import PADDING, Neighbors


def _asked(rows: NDArray[np.float32], k: int, sample: int = 50) -> Questions:
    exact = find("exact").build(rows, "euclidean")
    return questions(rows, exact, k=k, sample=sample, seed=1)


def _line(count: int) -> NDArray[np.float32]:
    return np.arange(count, dtype=np.float32).reshape(-1, 1) ** 2


@given(st.integers(2, 40), st.integers(1, 45))
@settings(max_examples=40, deadline=None)
def test_the_truth_has_recall_1(count: int, k: int) -> None:
    """Also with fewer rows than neighbours wanted; without its own row, a query has no share."""
    rows = _line(count)
    asked = _asked(rows, k)
    exact = find("exact").build(rows, "euclidean")
    found = exact.search(asked.queries, asked.asked)
    assert recall(found, asked) == 1.0
    nothing = Neighbors(np.full_like(found.ids, PADDING), np.full_like(found.distances, np.inf))
    assert recall(nothing, asked) == 0.0
    assert asked.wanted == min(k, count - 1)


def test_part_of_the_truth() -> None:
    """Half of the neighbours are half the recall, wherever they stand."""
    rows = _line(30)
    asked = _asked(rows, 4, sample=30)
    found = find("exact").build(rows, "euclidean").search(asked.queries, 5)
    ids = found.ids.copy()
    ids[:, -2:] = PADDING
    distances = np.where(ids == PADDING, np.inf, found.distances).astype(np.float32)
    assert recall(Neighbors(ids, distances), asked) == 0.5


def test_ties_count_whichever_is_answered() -> None:
    """Copies of a row are as good as each other; one that is farther is not."""
    rows = np.zeros((20, 2), np.float32)
    rows[10:] = 5
    asked = _asked(rows, 3)
    own = asked.own[:, np.newaxis]
    group = np.where(own < 10, 0, 10)
    copies = group + (own - group + np.array([5, 7, 8])) % 10
    distances = np.zeros(copies.shape, np.float32)
    assert recall(Neighbors(copies, distances), asked) == 1.0
    assert recall(Neighbors(copies, distances + 1), asked) == 0.0


def test_the_own_row_is_left_out() -> None:
    """Where it is answered, the next one moves up; where it isn't, the last one goes."""
    found = Neighbors(
        np.array([[3, 1, 2], [1, 2, 4]]), np.array([[0, 1, 2], [0, 1, 2]], np.float32)
    )
    left = without_own(found, np.array([3, 3]), 2)
    assert left.ids.tolist() == [[1, 2], [1, 2]]
    assert left.distances.tolist() == [[1, 2], [0, 1]]


def test_the_draw() -> None:
    """Every row at most once, the same for a seed, in no order, and parts keep together."""
    rows = _line(500)
    one, again = _asked(rows, 2), _asked(rows, 2)
    assert np.array_equal(one.own, again.own)
    assert len(set(one.own.tolist())) == 50
    assert not np.array_equal(one.own, np.sort(one.own))
    assert np.array_equal(one.queries, rows[one.own])
    part = one.part(10, 20)
    assert np.array_equal(part.queries, rows[part.own])
    assert len(part) == 10


@pytest.mark.parametrize("count", [2, 3])
def test_very_few_rows(count: int) -> None:
    """Each is asked, and has its neighbours."""
    asked = _asked(_line(count), 10)
    assert len(asked) == count
    assert np.isfinite(asked.farthest).all()
