"""An index that follows its rows finds what one that is built anew finds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native
from mitame.distances import Distance, normalise
from mitame.engines.cascade import CascadeEngine
from mitame.engines.protocol import Index
from mitame.testing.engines import brute_force

OLD, NEW = 2_000, 400


def _rows(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Rows in clumps, so that near ones are near for a reason."""
    centres = np.random.default_rng(7).normal(size=(40, dimension))
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(count, dimension)) * 0.7
    return np.asarray(centres[rng.integers(40, size=count)] + own, np.float32)


def _changed(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Every ninth row goes, new ones come at the end."""
    stays = np.arange(len(rows)) % 9 > 0
    kept = np.where(stays, np.cumsum(stays) - 1, -1)
    fresh = _rows(NEW, rows.shape[1], 1)
    return np.ascontiguousarray(np.concatenate([rows[stays], fresh])), kept


def _recall(index: Index, rows: NDArray[np.float32], distance: Distance) -> float:
    """Share of the true ten that are found, for some old and some new rows."""
    queries = np.concatenate([rows[:60], rows[-60:]]) + np.float32(0.01)
    queries = normalise(queries) if distance == "cosine" else queries
    true = brute_force(rows, queries, 10, distance)
    found = index.search(queries, 10, effort=0.6)
    return float((found.distances <= true.distances[:, -1:] + 1e-5).mean())


@pytest.mark.parametrize("distance", ["euclidean", "cosine", "inner_product"])
@pytest.mark.parametrize(("dimension", "degree"), [(32, 0), (32, 12), (480, 12)])
def test_it_finds_as_much_as_one_built_anew(
    dimension: int, degree: int, distance: Distance
) -> None:
    """With edges and without, with tails and without, twice in a row; nothing that is gone."""
    if degree and native.module() is None:
        pytest.skip("edges need the native kernels")
    engine = CascadeEngine()
    rows = _rows(OLD, dimension, 0)
    rows = normalise(rows) if distance == "cosine" else rows
    index: Index = engine.build(rows, distance, degree=degree, threads=1)
    for _ in range(2):
        now, kept = _changed(rows)
        now = normalise(now) if distance == "cosine" else now
        index = engine.extend(now, distance, index.save(), kept, degree=degree, threads=1)
        anew = engine.build(now, distance, degree=degree, threads=1)
        assert set(index.save()) == set(anew.save())
        bare = not degree and dimension == 32
        assert bare == (not index.save()["nodes"].size) == (not anew.save()["nodes"].size)
        # By inner product some lists have most of the answers, whichever they are.
        slack = 0.08 if distance == "inner_product" else 0.03
        assert _recall(index, now, distance) >= _recall(anew, now, distance) - slack
        rows = now


def test_new_rows_are_reached_along_edges_from_old_ones() -> None:
    """Where lists only say where to begin, an older row leads to a new one."""
    if native.module() is None:
        pytest.skip("edges need the native kernels")
    engine = CascadeEngine()
    rows = _rows(OLD, 32, 0)
    index = engine.build(rows, "euclidean", degree=12)
    now, kept = _changed(rows)
    parts = engine.extend(now, "euclidean", index.save(), kept, degree=12).save()
    ids, edges = parts["ids"], parts["edges"].reshape(-1, 12)
    old_places = np.flatnonzero((ids >= 0) & (ids < len(now) - NEW))
    ends = edges[old_places]
    assert (ids[ends[ends >= 0]] >= len(now) - NEW).mean() > 0.05
    assert (ids[edges[edges >= 0]] >= 0).all()
