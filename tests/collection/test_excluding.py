"""An index without some of its rows answers as one that never had them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.collection import Excluding
from mitame.engines.catalog import find
from mitame.engines.protocol import Allow, Rows
from mitame.neighbors import PADDING, Neighbors


def _rows(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)), st.integers(1, n + 3))
    )
)
@settings(max_examples=80, deadline=None)
def test_as_if_the_rows_were_not_there(drawn: tuple[int, set[int], int]) -> None:
    """However many are hidden, and wherever they lie: the k nearest of the others."""
    count, hidden, k = drawn
    vectors = _rows(count)
    left = np.array(sorted(set(range(count)) - hidden), np.int64)
    index = find("exact").build(vectors, "euclidean")
    answer = Excluding(index, np.array(sorted(hidden), np.int64)).search(vectors[:3], k)
    if not len(left):
        assert (answer.ids == PADDING).all()
        return
    truth = find("exact").build(vectors[left], "euclidean").search(vectors[:3], k)
    wanted = np.where(truth.ids == PADDING, PADDING, left[truth.ids])
    assert np.array_equal(answer.ids, wanted)
    assert np.array_equal(answer.distances, truth.distances)


class _Watched:
    """An exact index that notes how it is asked."""

    def __init__(self, vectors: Rows) -> None:
        self._index = find("exact").build(vectors, "euclidean")
        self.asked: list[tuple[int, int, bool]] = []

    @property
    def rows(self) -> int:
        return self._index.rows

    def search(
        self, queries: Rows, k: int, *, effort: float | None = None, allow: Allow | None = None
    ) -> Neighbors:
        self.asked.append((len(queries), k, allow is not None))
        return self._index.search(queries, k, effort=effort, allow=allow)


def test_a_few_dead_rows_need_no_mask() -> None:
    """One row among a thousand costs one row more, and nothing as long as the index."""
    watched = _Watched(_rows(1_000))
    Excluding(watched, np.array([4], np.int64)).search(_rows(5), 10)
    assert watched.asked == [(5, 11, False)]


def test_only_what_runs_short_is_asked_for_again() -> None:
    """A query in the midst of the dead gets a mask; the others have their answer already."""
    vectors = _rows(1_000)
    vectors[:40] = 50 + vectors[:40] / 100
    watched = _Watched(vectors)
    queries = np.stack([vectors[0], vectors[500]])
    answer = Excluding(watched, np.arange(40)).search(queries, 5)
    assert watched.asked[1] == (1, 5, True)
    assert (answer.ids >= 40).all()


def test_what_is_allowed_is_taken_as_it_is() -> None:
    """A mask goes straight to the index."""
    watched = _Watched(_rows(50))
    allow = np.zeros(50, np.bool_)
    allow[7] = True
    answer = Excluding(watched, np.array([3], np.int64)).search(_rows(1), 2, allow=allow)
    assert answer.ids.tolist() == [[7, PADDING]]


def test_the_answer_can_be_written_to() -> None:
    """The index's own arrays are not: it may keep them."""
    index = find("exact").build(_rows(9), "euclidean")
    first = Excluding(index, np.array([2], np.int64)).search(_rows(9), 3)
    first.ids[:] = 0
    assert not np.array_equal(
        Excluding(index, np.array([2], np.int64)).search(_rows(9), 3).ids, first.ids
    )


@pytest.mark.parametrize("hidden", [[], [0]])
def test_no_row_is_left(hidden: list[int]) -> None:
    """An answer of padding."""
    index = find("exact").build(_rows(1)[: len(hidden)].reshape(-1, 3), "euclidean")
    answer = Excluding(index, np.array(hidden, np.int64)).search(_rows(2), 2)
    assert answer.ids.tolist() == [[PADDING, PADDING]] * 2
