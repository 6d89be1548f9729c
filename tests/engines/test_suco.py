"""Collision counting: all laws with other settings, and its own pieces by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitame.engines.protocol import Engine, Rows
from mitame.engines.suco import SucoEngine
from mitame.engines.suco_axes import balanced, in_order
from mitame.engines.suco_cells import assign, learn, sorted_cells
from mitame.engines.suco_index import Effort
from mitame.errors import CorruptCollection, UsageError
from mitame.testing.engine_truth import recall
from mitame.testing.engines import EngineConformance, brute_force


class TestPlainColumns(EngineConformance):
    """All laws, with columns as they come, and fewer centroids."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {"balance": 0, "parts": 5, "centroids": 20}

    def make(self) -> Engine:
        """The engine."""
        return SucoEngine()


def _uneven(seed: int, n: int, dimension: int) -> Rows:
    """Rows whose first columns vary most, as those of real vectors do along their axes."""
    spread = 0.93 ** np.arange(dimension)
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, dimension)) * spread).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(dimension=st.integers(1, 60), pieces=st.integers(1, 20), seed=st.integers(0, 9))
def test_pieces_hold_every_column_once(dimension: int, pieces: int, seed: int) -> None:
    """Law: in their order, padded with zeros, pieces differ by one column at most."""
    rows = _uneven(seed, 5, dimension)
    found = in_order(dimension, pieces)
    assert max(found.widths) - min(found.widths) <= 1
    cut = found.of(rows)
    assert cut.shape == (pieces, 5, found.widest)
    together = np.concatenate([cut[p, :, :w] for p, w in enumerate(found.widths)], axis=1)
    np.testing.assert_array_equal(together, rows)
    assert sum(float(np.abs(cut[p, :, w:]).sum()) for p, w in enumerate(found.widths)) == 0


def test_balanced_pieces_are_of_equal_worth() -> None:
    """Their variances are alike where those of the columns are not, and they hold most of the
    whole; axes are of length 1 and square to each other."""
    sample = _uneven(1, 3_000, 32)
    pieces = balanced(sample - sample.mean(axis=0), 4)
    variances = pieces.of(sample).var(axis=1).sum(axis=1)
    plain = in_order(32, 4).of(sample).var(axis=1).sum(axis=1)
    assert variances.max() < 1.1 * variances.min()
    assert plain.max() > 10 * plain.min()
    assert variances.sum() > 0.8 * plain.sum()
    assert pieces.axes is not None
    np.testing.assert_allclose(pieces.axes @ pieces.axes.T, np.eye(len(pieces.axes)), atol=1e-5)


def test_cells_by_hand() -> None:
    """One part with two centroids per piece: four cells, each with its rows, ascending."""
    codes = np.array([[0, 1, 0, 1, 1], [1, 1, 1, 0, 1]], np.int32)
    cells = sorted_cells(codes, 2)
    assert cells.offsets.tolist() == [0, 0, 2, 3, 5]
    assert cells.ids.tolist() == [0, 2, 3, 1, 4]


def test_centroids_come_to_lie_in_the_middle_of_their_points() -> None:
    """Two clumps far apart: two centroids find their means, whichever rows they start at."""
    rng = np.random.default_rng(2)
    points = rng.normal(size=(1, 200, 3)).astype(np.float32)
    points[0, ::2] += 50
    starts = [np.random.default_rng(seed) for seed in range(40)]
    found = [learn(points, 2, 8, start)[0] for start in starts]
    best = min(found, key=lambda each: float(each[:, 0].min()))
    means = np.stack([points[0, 1::2].mean(axis=0), points[0, ::2].mean(axis=0)])
    np.testing.assert_allclose(best[np.argsort(best[:, 0])], means, atol=1e-3)
    np.testing.assert_array_equal(assign(means, means), [0, 1])


def test_more_centroids_than_rows() -> None:
    """Each row is a centroid then, and no more are made."""
    points = _uneven(3, 7, 4)[np.newaxis]
    assert learn(points, 50, 2, np.random.default_rng(0)).shape == (1, 7, 4)
    assert learn(points[:, :0], 50, 2, np.random.default_rng(0)).shape == (1, 1, 4)


def test_border_layer_is_cut_by_how_near_its_cells_are() -> None:
    """Of rows with as many collisions, those in nearer cells are ranked: one part only, where all
    collide once, still finds the nearest."""
    rows = _uneven(6, 3_000, 2)
    index = SucoEngine().build(rows, "euclidean", parts=1, balance=0)
    true = brute_force(rows, rows[:50], 10, "euclidean")
    assert recall(index.search(rows[:50], 10, effort=0.3), true) > 0.99


def test_budget_follows_rows_and_neighbours() -> None:
    """A share of many rows, so many of few, and always more than are asked for."""
    chosen = Effort(collisions=0.05, ranked=0.001, least=100)
    assert chosen.budget(10, 1_000_000) == 1_000
    assert chosen.budget(10, 1_000) == 100
    assert chosen.budget(500, 1_000) == 2_000


def test_rows_that_there_are_not_are_found_at_the_search() -> None:
    """Cells are mapped and not read when opened; a wrong row in one is an error, no crash."""
    rows = _uneven(7, 500, 16)
    engine = SucoEngine()
    parts = dict(engine.build(rows, "euclidean").save())
    for wrong in (-1, 500, 2**31 - 1):
        ids = np.full_like(parts["ids"], wrong)
        index = engine.open(rows, "euclidean", {**parts, "ids": ids})
        with pytest.raises(CorruptCollection, match="cell"):
            index.search(rows[:1], 5)


@pytest.mark.parametrize(
    "wrong", [{"parts": 0}, {"centroids": 1}, {"iterations": 0}, {"balance": 2}]
)
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    """Out of their ranges."""
    with pytest.raises(UsageError):
        SucoEngine().build(_uneven(8, 100, 8), "euclidean", **wrong)
