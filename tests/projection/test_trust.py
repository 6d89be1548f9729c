"""How far a map can be trusted, on maps of which that is known."""

from __future__ import annotations

import numpy as np

from mitame.projection.trust import drawn, kept, trustworthiness

POINTS = np.random.default_rng(0).random((400, 2)).astype(np.float32)


def _neighbors(points: np.ndarray, k: int) -> np.ndarray:
    away = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(away, np.inf)
    return np.argsort(away, axis=1)[:, :k]


def test_a_map_of_itself_is_whole() -> None:
    """The same points turned and stretched: nothing lies close that is not."""
    turned = (POINTS @ np.array([[0, -3], [3, 0]]) + 7).astype(np.float32)
    assert trustworthiness(POINTS, turned) == 1
    assert kept(turned, np.arange(400), _neighbors(POINTS, 9)) == 1


def test_places_at_random_tell_nothing() -> None:
    """About a half is what chance gives, and as many neighbours as lie anywhere are kept."""
    shuffled = np.random.default_rng(1).permutation(POINTS)
    assert 0.45 < trustworthiness(POINTS, shuffled) < 0.55
    assert kept(shuffled, np.arange(400), _neighbors(POINTS, 9)) < 0.06


def test_the_formula_on_a_small_map() -> None:
    """One intruder in one list of six points on a line: 2 / (n k (2 n - 3 k - 1)) of its rank."""
    line = np.array([[0, 0], [1, 0], [3, 0], [6, 0], [10, 0], [15, 0]], np.float32)
    bent = line.copy()
    bent[4] = (15.5, 0)  # its nearest is 5 on the map, 3 on the line; 5 is the second there
    wanted = 1 - 2 / (6 * 1 * (12 - 3 - 1)) * 1
    assert np.isclose(trustworthiness(line, bent, 1), wanted)


def test_missing_neighbours_do_not_count() -> None:
    """Lists that end early are measured by what they have; nothing asked is nothing lost."""
    lists = np.full((400, 9), -1)
    lists[:, 0] = _neighbors(POINTS, 1)[:, 0]
    assert kept(POINTS, np.arange(400), lists) == 1
    assert kept(POINTS, np.arange(0), lists[:0]) == 1
    assert kept(POINTS[:1], np.arange(1), np.full((1, 9), -1)) == 1


def test_a_sample_is_drawn_of_many() -> None:
    """All of few; of many so many, each once."""
    assert drawn(3, 5).tolist() == [0, 1, 2]
    assert len(set(drawn(1_000, 50).tolist())) == 50
