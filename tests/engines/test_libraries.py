"""What is particular to each library's engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mitame.distances import normalise
from mitame.engines.hnsw import HnswEngine
from mitame.engines.ivfpq import IvfpqEngine
from mitame.engines.library import Asked
from mitame.engines.ngt import NgtEngine
from mitame.engines.reduction import Reduction
from mitame.engines.symphonyqg import SymphonyqgEngine, SymphonyqgNative
from mitame.testing.engine_truth import brute_force, check_equal, clumps, recall

ROWS, _ = clumps(3_000, 32, 4)
QUERIES = ROWS[::60] + np.float32(0.1)
FAISS = "the engines hnsw and ivfpq are faiss's"


def test_hnsw_keeps_the_graph_and_no_vectors() -> None:
    """Its parts are as long for wide rows as for narrow ones."""
    pytest.importorskip("faiss", reason=FAISS)
    narrow, wide = ROWS[:, :8].copy(), np.repeat(ROWS, 8, axis=1)
    sizes = [HnswEngine().build(rows, "euclidean").memory for rows in (narrow, wide)]
    assert sizes[0] == sizes[1] < 3_000 * 8 * 32


def test_hnsw_walks_the_rows_where_they_lie() -> None:
    """No copy: the rows' own memory, and under cosine that of unit rows, too."""
    pytest.importorskip("faiss", reason=FAISS)
    for distance in ("euclidean", "cosine", "inner_product"):
        rows = normalise(ROWS) if distance == "cosine" else ROWS
        built: Any = HnswEngine().build(rows, distance)
        assert built._native._rows is rows


def test_hnsw_by_the_inner_product() -> None:
    """The graph of the turned rows, walked by the product of the rows themselves."""
    pytest.importorskip("faiss", reason=FAISS)
    rows = ROWS * np.random.default_rng(0).uniform(0.2, 2, (len(ROWS), 1)).astype(np.float32)
    answer = HnswEngine().build(rows, "inner_product").search(QUERIES, 10, effort=0.8)
    assert recall(answer, brute_force(rows, QUERIES, 10, "inner_product")) >= 0.98


def test_ivfpq_is_small() -> None:
    """Two coordinates in four bits, an id of eight bytes per row, and the tables."""
    pytest.importorskip("faiss", reason=FAISS)
    rows, _ = clumps(20_000, 64, 4)
    assert IvfpqEngine().build(rows, "euclidean").memory < rows.nbytes / 7


@pytest.mark.parametrize("settings", [{}, {"onng": 1, "edges": 40}])
def test_ngt_in_both_forms(settings: dict[str, int], capfd: pytest.CaptureFixture[str]) -> None:
    """ANNG and ONNG find nearly all, and the library's remarks reach nobody's terminal."""
    pytest.importorskip("ngtpy", reason="the engine ngt is NGT's")
    built = NgtEngine().build(ROWS, "euclidean", **settings)
    opened = NgtEngine().open(ROWS, "euclidean", built.save())
    assert capfd.readouterr() == ("", "")
    answer = built.search(QUERIES, 10, effort=1.0)
    assert recall(answer, brute_force(ROWS, QUERIES, 10, "euclidean")) >= 0.97
    check_equal(opened.search(QUERIES, 10), built.search(QUERIES, 10))


class _Unreachable:
    """rabitqlib's graph, where the second query reaches too few rows."""

    def search(self, asked: Any, count: int, ef: int) -> tuple[Any, None]:
        if len(asked) > 1 or asked[0, 0] > 0:
            raise RuntimeError("QuantizedGraph search could not produce k results")
        return np.arange(count, dtype=np.uint32)[np.newaxis], None


def test_symphonyqg_that_reaches_too_few_rows() -> None:
    """That query alone has no candidates; the index looks at all rows for it."""
    native = SymphonyqgNative(_Unreachable(), Reduction("euclidean"), np.empty(0, np.uint8))
    queries = np.array([[-1.0], [1.0]], np.float32)
    assert [len(ids) for ids in native.look(queries, Asked(5))] == [5, 0]


def test_symphonyqg_declares_that_no_two_builds_are_alike() -> None:
    """It takes no seed; should a later version do, this says so."""
    pytest.importorskip("rabitqlib", reason="the engine symphonyqg is rabitqlib's")
    engine = SymphonyqgEngine()
    assert not engine.abilities.seeded
    blobs = [engine.build(ROWS[:500], "euclidean", threads=1).save()["graph"] for _ in range(2)]
    assert (blobs[0] != blobs[1]).any()
