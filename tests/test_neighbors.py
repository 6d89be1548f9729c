"""Merging answers of several indexes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitame.neighbors import PADDING, Neighbors, merge, ranked

PAIRS = st.lists(st.tuples(st.integers(-1, 12), st.integers(0, 4)), max_size=12)


def _ranked_slowly(pairs: list[tuple[int, int]], k: int) -> list[tuple[int, float]]:
    """The meaning, in plain Python: each id once at its nearest, by distance, then id."""
    best: dict[int, float] = {}
    for item, distance in pairs:
        if item != PADDING:
            best[item] = min(distance, best.get(item, np.inf))
    found = sorted(best.items(), key=lambda pair: (pair[1], pair[0]))[:k]
    return found + [(PADDING, np.inf)] * (k - len(found))


@given(st.lists(PAIRS, min_size=1, max_size=3), st.integers(1, 15))
def test_ranked_means_what_plain_python_means(rows: list[list[tuple[int, int]]], k: int) -> None:
    """Law: order, ties, duplicates and padding, for several queries at once."""
    width = max(map(len, rows))
    padded = [row + [(PADDING, 0)] * (width - len(row)) for row in rows]
    table = np.array(padded, np.int64).reshape(len(rows), width, 2)
    answer = ranked(table[:, :, 0], table[:, :, 1].astype(np.float32), k)
    assert answer.ids.shape == answer.distances.shape == (len(rows), k)
    for q, row in enumerate(rows):
        pairs = list(zip(answer.ids[q].tolist(), answer.distances[q].tolist(), strict=True))
        assert pairs == _ranked_slowly(row, k)


def test_a_row_at_infinity_is_no_padding() -> None:
    """What is infinitely far is still answered, before padding."""
    answer = ranked(np.array([[-1, 4]]), np.array([[0.5, np.inf]], np.float32), 2)
    assert answer.ids.tolist() == [[4, -1]]


def test_merge_of_parts_is_the_answer_of_the_whole() -> None:
    """Two parts that share an id: it counts once."""
    left = Neighbors(np.array([[3, 1]]), np.array([[0.1, 0.4]], np.float32))
    right = Neighbors(np.array([[2, 3, -1]]), np.array([[0.1, 0.1, np.inf]], np.float32))
    answer = merge([left, right], 4)
    assert answer.ids.tolist() == [[2, 3, 1, -1]]
    assert answer.ids.dtype == np.int64
    assert answer.distances.dtype == np.float32
