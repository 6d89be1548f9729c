"""Lists of nearest items made in blocks: what comparing all with all, one by one, gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.collection import neighbor_exact
from mitame.collection.neighbor_exact import ExactLists
from mitame.collection.neighbor_keys import least
from mitame.collection.neighbor_rows import ItemRows, StoredRows
from mitame.distances import DISTANCES, Distance, normalise

List = list[tuple[int, float]]


def id_of(key: int) -> str:
    """Ids in another order than keys."""
    return f"{key % 3}-{key}"


def one_by_one(source: StoredRows, owners: NDArray[np.int64], k: int) -> list[List]:
    """For each item, by key, the nearest row of each of its nearest items, with the distance."""
    out = []
    for own in np.unique(owners).tolist():
        queries = source.asked(np.flatnonzero(owners == own))
        found = []
        for other in np.unique(owners[owners != own]).tolist():
            rows = np.flatnonzero(owners == other)
            away = least(queries, source.raw(rows), source.distance)
            best = int(np.argmin(away))
            found.append((float(away[best]), id_of(other), int(rows[best])))
        out.append([(row, away) for away, _, row in sorted(found)[:k]])
    return out


def in_blocks(source: StoredRows, owners: NDArray[np.int64], k: int) -> list[List]:
    """The same, as the merge makes it."""
    lists = ExactLists(source, owners, id_of, k)
    out = []
    for rows, distances in lists.blocks(np.arange(len(lists.items.items))):
        for row, away in zip(rows, distances, strict=True):
            real = row >= 0
            assert np.isposinf(away[~real]).all()
            out.append(list(zip(row[real].tolist(), away[real].tolist(), strict=True)))
    return out


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows per block, and few pairs, so that small data go through all paths."""
    monkeypatch.setattr(neighbor_exact, "_QUERY_ROWS", 7)
    monkeypatch.setattr(neighbor_exact, "_ROWS", 11)
    monkeypatch.setattr(neighbor_exact, "_FIRST_ROWS", 5)
    monkeypatch.setattr(neighbor_exact, "_MOST_PAIRS", 40)


@st.composite
def collections(draw: st.DrawFn) -> tuple[StoredRows, NDArray[np.int64], int]:
    """Rows of few values, so that many are equal or at one distance, with one or more per item."""
    distance: Distance = draw(st.sampled_from(DISTANCES))
    rows, dimension = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    vectors = rng.integers(-2, 3, (rows, dimension)).astype(np.float32)
    vectors += np.float32(draw(st.sampled_from([0, 0, 1_000])))
    if distance == "cosine":
        vectors = normalise(vectors)
    owners = rng.integers(1, 1 + draw(st.sampled_from([rows, 10])), rows)
    if draw(st.booleans()):
        owners = np.arange(1, rows + 1)
    return StoredRows(vectors, distance), owners.astype(np.int64), draw(st.integers(1, 12))


@pytest.mark.usefixtures("small_blocks")
def test_blocks_give_what_one_by_one_gives() -> None:
    """Order, ties by id, best image, padding: to the bit, for each distance."""

    @settings(max_examples=150, deadline=None)
    @given(collections())
    def check(made: tuple[StoredRows, NDArray[np.int64], int]) -> None:
        source, owners, k = made
        assert in_blocks(source, owners, k) == one_by_one(source, owners, k)

    check()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e17])
@pytest.mark.usefixtures("small_blocks")
def test_lengths_that_float32_products_cannot_hold(distance: Distance, scale: float) -> None:
    """Where keys overflow or vanish, all are compared exactly."""
    rng = np.random.default_rng(3)
    vectors = (rng.normal(size=(60, 8)) * scale).astype(np.float32)
    if distance == "cosine":
        vectors = normalise(vectors)
    vectors[7] = 0
    source, owners = StoredRows(vectors, distance), np.arange(60)
    assert in_blocks(source, owners, 9) == one_by_one(source, owners, 9)


def test_float16_is_compared_as_an_index_compares_it() -> None:
    """Queries are normalised again, rows are taken as they were rounded."""
    rng = np.random.default_rng(5)
    vectors = normalise(rng.normal(size=(80, 16)).astype(np.float32)).astype(np.float16)
    source, owners = StoredRows(vectors, "cosine"), np.arange(80)
    assert in_blocks(source, owners, 10) == one_by_one(source, owners, 10)


def test_close_rows_far_from_the_origin() -> None:
    """A thousand points in a small ball far away: rounding swallows keys, not the answer."""
    rng = np.random.default_rng(6)
    vectors = (rng.normal(size=(300, 8)) + 1e5).astype(np.float32)
    source, owners = StoredRows(vectors, "euclidean"), np.arange(300)
    assert in_blocks(source, owners, 5) == one_by_one(source, owners, 5)


def test_rows_by_item() -> None:
    """Rows of chosen items, item by item, ascending within each."""
    owners = np.array([5, 2, 5, 9, 2, 5], np.int64)
    items = ItemRows.of(owners)
    assert items.items.tolist() == [2, 5, 9]
    assert items.rows(1).tolist() == [0, 2, 5]
    assert items.rows_of(np.array([2, 0])).tolist() == [3, 1, 4]
    assert items.rows_of(np.empty(0, np.int64)).tolist() == []
    plain = ItemRows.of(np.array([2, 4, 9], np.int64))
    assert plain.rows_of(np.array([2, 0])).tolist() == [2, 0]
