"""Points laid out beside their neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from mitame.projection.fuzzy_graph import FuzzyGraph
from mitame.projection.layout import FEWEST_EPOCHS, MOST_EPOCHS, epochs_for, laid_out, started
from mitame.projection.principal import Principal
from mitame.projection.trust import kept, trustworthiness

K = 12


def clustered(seed: int, count: int = 600, groups: int = 15) -> np.ndarray:
    """Vectors of 30 dimensions in groups that no plane can show apart."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(groups, 30))
    return (middles[np.arange(count) % groups] + rng.normal(0, 0.35, (count, 30))).astype("f4")


def lists_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of each, int64[n, K] and float32[n, K]."""
    lengths = (vectors**2).sum(axis=1)
    away = np.maximum(lengths[:, None] + lengths - 2 * vectors @ vectors.T, 0)
    np.fill_diagonal(away, np.inf)
    lists = np.argsort(away, axis=1)[:, :K]
    return lists, np.sqrt(np.take_along_axis(away, lists, axis=1)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_keeps_more_than_the_principal_axes(seed: int) -> None:
    """More neighbours stay neighbours, and less lies close that is not; groups stay together."""
    vectors = clustered(seed)
    lists, distances = lists_of(vectors)
    plane = Principal.of(vectors).project(vectors)
    graph, everyone = FuzzyGraph.of(lists, distances), np.arange(len(vectors))
    found = laid_out(graph, started(graph, plane), epochs_for(len(vectors)))
    assert kept(found, everyone, lists) > 1.1 * kept(plane, everyone, lists)
    assert trustworthiness(vectors, found) > trustworthiness(vectors, plane)
    assert trustworthiness(vectors, found) > 0.95
    group = everyone % 15
    nearest = np.linalg.norm(found[:, None] - found, axis=2) + np.diag(np.full(len(found), np.inf))
    assert (group[nearest.argmin(axis=1)] == group).mean() > 0.95


def test_it_is_the_same_each_time() -> None:
    """Nothing is left to chance; the arguments are not changed."""
    lists, distances = lists_of(clustered(4, 200))
    graph, plane = FuzzyGraph.of(lists, distances), clustered(4, 200)[:, :2].copy()
    before = plane.copy()
    shares: list[float] = []
    first = laid_out(graph, started(graph, plane), 20, shares.append)
    assert np.array_equal(first, laid_out(graph, started(graph, plane), 20))
    assert np.array_equal(plane, before)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_only_points_that_see_edges_move() -> None:
    """The others stay to the bit; those that move come close to their neighbours."""
    vectors = clustered(6, 300)
    lists, distances = lists_of(vectors)
    graph = FuzzyGraph.of(lists, distances)
    start = laid_out(graph, started(graph, Principal.of(vectors).project(vectors)), 100)
    moves = np.arange(300) < 15  # one of each group
    lost = start.copy()
    lost[moves] = 0
    found = laid_out(graph.seen_by(moves), lost, 100)
    assert np.array_equal(found[~moves], start[~moves])
    away = np.linalg.norm(found[:15, None] - start[15:], axis=2).argmin(axis=1)
    assert ((away + 15) % 15 == np.arange(15)).mean() > 0.9


@pytest.mark.parametrize("count", [1, 2, 60])
def test_copies_and_lone_points(count: int) -> None:
    """All vectors equal, or nobody beside: finite places, no error."""
    vectors = np.ones((count, 4), np.float32)
    lists = np.array([[(n + 1 + m) % count for m in range(K)] for n in range(count)])
    lists[lists == np.arange(count)[:, None]] = -1
    graph = FuzzyGraph.of(lists, np.zeros((count, K), np.float32))
    found = laid_out(graph, started(graph, vectors[:, :2]), 50)
    assert found.shape == (count, 2)
    assert np.isfinite(found).all()


def test_the_work_is_bounded() -> None:
    """Fewer epochs the more points there are, between two bounds."""
    found = [epochs_for(count) for count in (0, 100, 50_000, 100_000, 10**6, 10**9)]
    assert found == [MOST_EPOCHS, MOST_EPOCHS, MOST_EPOCHS, 100, FEWEST_EPOCHS, FEWEST_EPOCHS]
