"""The fuzzy graph: laws that hold for every neighbour table."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitame.projection.fuzzy_graph import FuzzyGraph


def table(seed: int, count: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Lists of the k nearest of points in three dimensions, some of them copies of others."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3))
    points[count // 2 :] = points[rng.integers(0, count, count - count // 2)]
    away = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(away, np.inf)
    lists = np.argsort(away, axis=1)[:, :k]
    distances = np.take_along_axis(away, lists, axis=1)
    return np.where(np.isfinite(distances), lists, -1), distances.astype(np.float32)


def dense(graph: FuzzyGraph) -> np.ndarray:
    """float32[points, points]: the weight of each edge, 0 where there is none."""
    whole = np.zeros((graph.points, graph.points), np.float32)
    owner = np.repeat(graph.heads, np.diff(np.append(graph.starts, len(graph.tails))))
    assert len(set(zip(owner.tolist(), graph.tails.tolist(), strict=True))) == len(owner)
    whole[owner, graph.tails] = graph.weights
    return whole


@given(st.integers(0, 1_000), st.integers(1, 40), st.integers(1, 12))
def test_both_ends_see_an_edge_alike(seed: int, count: int, k: int) -> None:
    """Weights are above 0, at most 1, the same from both sides, and of listed pairs alone."""
    lists, distances = table(seed, count, k)
    graph = FuzzyGraph.of(lists, distances)
    assert ((graph.weights > 0) & (graph.weights <= 1)).all()
    whole = dense(graph)
    assert np.array_equal(whole, whole.T)
    assert not whole.diagonal().any()
    listed = np.zeros((count, count), np.bool_)
    listed[np.nonzero(lists >= 0)[0], lists[lists >= 0]] = True
    assert not whole[~(listed | listed.T)].any()


@given(st.integers(0, 1_000), st.integers(2, 40), st.integers(1, 12))
def test_the_nearest_is_sure(seed: int, count: int, k: int) -> None:
    """Whoever is first in a list belongs together with its owner, as far as can be told."""
    lists, distances = table(seed, count, k)
    whole = dense(FuzzyGraph.of(lists, distances))
    assert np.allclose(whole[np.arange(count), lists[:, 0]], 1)


def test_a_list_counts_the_logarithm_of_its_length() -> None:
    """Each point has a scale of its own: near or far, what one list sees sums up to log2(k)."""
    distances = np.cumsum(np.random.default_rng(3).random((30, 8)), axis=1).astype(np.float32)
    distances *= np.geomspace(1e-3, 1e3, 30, dtype=np.float32)[:, None]
    lists = 30 + np.arange(240).reshape(30, 8)  # nobody else's neighbours: no edge is seen twice
    ends = np.full((240, 8), -1)
    graph = FuzzyGraph.of(
        np.concatenate([lists, ends]),
        np.concatenate([distances, np.full((240, 8), np.inf, np.float32)]),
    )
    assert np.allclose(dense(graph)[:30].sum(axis=1), 3, atol=1e-3)


def test_only_what_some_points_see() -> None:
    """Their edges are all there, with the same weights, and no others."""
    graph = FuzzyGraph.of(*table(5, 20, 4))
    which = np.arange(20) % 3 == 0
    assert np.array_equal(dense(graph.seen_by(which)), dense(graph) * which[:, None])


def test_no_points() -> None:
    """Nothing, from nothing."""
    graph = FuzzyGraph.of(np.empty((0, 3), np.int64), np.empty((0, 3), np.float32))
    assert (graph.points, len(graph.heads), len(graph.tails)) == (0, 0, 0)
