"""An index that follows its rows finds what one that is built anew finds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native
from mitame.distances import Distance, normalise
from mitame.engines.cascade import CascadeEngine, shape
from mitame.engines.protocol import Index, Parts
from mitame.testing.engines import brute_force
from scripts.fuzz_cascade import with_tails_apart

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


def _as_flat(monkeypatch: pytest.MonkeyPatch, *, residuals: bool) -> None:
    """Rows of more than 336 floats have tails, and residuals or none, however few floats."""
    monkeypatch.setattr(shape, "_TAIL_FROM", 0)
    monkeypatch.setattr(shape, "spares_rows", lambda *_, **__: residuals)


def _recall(index: Index, rows: NDArray[np.float32], distance: Distance) -> float:
    """Share of the true ten that are found, for some old and some new rows."""
    queries = np.concatenate([rows[:60], rows[-60:]]) + np.float32(0.01)
    queries = normalise(queries) if distance == "cosine" else queries
    true = brute_force(rows, queries, 10, distance)
    found = index.search(queries, 10, effort=0.6)
    return float((found.distances <= true.distances[:, -1:] + 1e-5).mean())


@pytest.mark.parametrize("distance", ["euclidean", "cosine", "inner_product"])
@pytest.mark.parametrize(
    ("dimension", "degree", "residuals"),
    [(32, 0, False), (32, 12, False), (480, 12, False), (480, 12, True)],
)
def test_it_finds_as_much_as_one_built_anew(
    dimension: int,
    degree: int,
    residuals: bool,
    distance: Distance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With edges and without, with tails and residuals and without, twice in a row; nothing that
    is gone."""
    _as_flat(monkeypatch, residuals=residuals)
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
        assert (anew.save()["nodes"].shape[1] == 192) == (dimension == 480)
        assert ("residuals" in anew.save()) == residuals
        bare = not degree and dimension == 32
        assert bare == (not index.save()["nodes"].size) == (not anew.save()["nodes"].size)
        # By inner product some lists have most of the answers, whichever they are.
        slack = 0.08 if distance == "inner_product" else 0.03
        assert _recall(index, now, distance) >= _recall(anew, now, distance) - slack
        rows = now


def test_staying_rows_keep_their_residuals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they stand now; new rows get the codes that they would have had."""
    _as_flat(monkeypatch, residuals=True)
    rows = _rows(OLD, 480, 0)
    engine = CascadeEngine()
    before = engine.build(rows, "euclidean", degree=0).save()
    now, kept = _changed(rows)
    now[-5:] = rows[kept < 0][:5]  # some that went come back as new ones
    after = engine.extend(now, "euclidean", before, kept, degree=0).save()
    codes, codes_now = _by_id(before), _by_id(after)
    np.testing.assert_array_equal(codes_now[kept[kept >= 0]], codes[kept >= 0])
    # They are turned by the axes that the index keeps, which are rounded.
    same = (codes_now[-5:] == codes[kept < 0][:5]).mean()
    assert same > 0.2
    assert (codes_now[-5:] == codes[:5]).mean() < same / 2


def _by_id(parts: Parts) -> NDArray[np.uint8]:
    """Residuals uint8[rows, width]."""
    there = parts["ids"] >= 0
    return parts["residuals"][there][np.argsort(parts["ids"][there])]


def test_an_index_without_residuals_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that an earlier version saved is extended as it is, and anew it gets them."""
    _as_flat(monkeypatch, residuals=False)
    rows = _rows(OLD, 480, 0)
    engine = CascadeEngine()
    before = engine.build(rows, "euclidean", degree=0).save()
    _as_flat(monkeypatch, residuals=True)
    now, kept = _changed(rows)
    index = engine.extend(now, "euclidean", before, kept, degree=0)
    assert "residuals" not in index.save()
    assert _recall(index, now, "euclidean") > 0.9
    assert "residuals" in engine.build(now, "euclidean", degree=0).save()


def test_tails_of_an_older_index_come_behind_its_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extended it has the same codes as one that had them there before."""
    _as_flat(monkeypatch, residuals=True)
    rows = _rows(OLD, 480, 0)
    engine = CascadeEngine()
    before = engine.build(rows, "euclidean").save()
    now, kept = _changed(rows)
    wanted = engine.extend(now, "euclidean", before, kept).save()
    found = engine.extend(now, "euclidean", with_tails_apart(dict(before)), kept).save()
    assert "tails" not in found
    for name, part in wanted.items():
        np.testing.assert_array_equal(found[name], part)


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
