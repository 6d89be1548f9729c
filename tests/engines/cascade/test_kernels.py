"""Every kernel, and the NumPy search, chooses the same rows."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mitame import native
from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.protocol import Allow
from mitame.neighbors import Neighbors
from scripts.fuzz_cascade import with_tails_apart
from tests.engines.cascade.made import (
    PLANS,
    Answer,
    Made,
    Plan,
    assert_same,
    made,
    repeated,
    rows_of,
    searched,
)

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(len(native.usable()) == 1, reason="the native module was not built here"),
]
PLAINEST = "portable"
OTHERS = [name for name in native.usable() if name != PLAINEST]
EFFORTS = (0.0, 0.3, 0.7, 0.95)


@lru_cache(maxsize=64)
def index_of(
    rows: int,
    dimension: int,
    distance: Distance,
    degree: int,
    *,
    distinct: int = 0,
    flat: bool = False,
    residuals: bool = False,
) -> Made:
    """One index for all tests of its kind; spectra are flat where there are many axes."""
    fall = 0.0 if flat or dimension > 400 else 0.7
    points = rows_of(rows, dimension, seed=dimension, fall=fall, unit=distance == "cosine")
    points = repeated(points, distinct) if distinct else points
    queries = 3 if dimension > 200 else 6
    lists = max(16, rows // 40)
    return made(points, distance, queries=queries, residuals=residuals, degree=degree, lists=lists)


def check(index: Made, k: int, allow: Allow | None = None) -> None:
    for plan in PLANS:
        plain = searched(index, PLAINEST, k, plan, allow)
        for kernel in OTHERS:
            assert_same(plain, searched(index, kernel, k, plan, allow))


@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dimension", [1, 2, 7, 16, 24, 65, 100, 336, 784])
def test_every_kernel_chooses_the_same(dimension: int, distance: Distance, degree: int) -> None:
    """Dimensions with and without remainders, tails and edges; plans from narrow to all."""
    check(index_of(600, dimension, distance, degree), 10)
    check(index_of(600, dimension, distance, degree, flat=True), 10)


@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(("dimension", "lines"), [(200, 1), (400, 2), (784, 3)])
def test_every_kernel_chooses_the_same_by_residuals(
    dimension: int, lines: int, distance: Distance, degree: int
) -> None:
    """Of each number of lines, with edges and without, under a filter, and of equal rows."""
    index = index_of(600, dimension, distance, degree, flat=True, residuals=True)
    assert index.parts["residuals"].shape[1] == 64 * lines
    check(index, 10)
    check(index, 10, np.random.default_rng(3).random(600) < 0.3)
    check(index_of(600, dimension, distance, degree, flat=True, residuals=True, distinct=40), 10)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("kernel", native.usable())
def test_residuals_order_the_beam_better(kernel: str, distance: Distance) -> None:
    """Of a beam of all rows, few that are looked at whole have more of the nearest among them."""
    index = index_of(600, 784, distance, 0, flat=True, residuals=True)
    every = searched(index, kernel, 10, PLANS[-1]).ids
    most = 10**6
    found = {
        refined: searched(index, kernel, 10, (most, most, most, most, refined, 12)).ids
        for refined in (0, 200)
    }
    hits = {how: np.isin(one + 1_000 * np.arange(3)[:, None], every + 1_000 * np.arange(3)[:, None])
            for how, one in found.items()}  # fmt: skip
    assert hits[200].mean() > hits[0].mean()
    assert hits[200].mean() > 0.9


@pytest.mark.parametrize("distance", DISTANCES)
def test_flat_rows_have_tails_and_others_have_none(distance: Distance) -> None:
    """So the test above sees both."""
    assert index_of(600, 784, distance, 0).parts["nodes"].shape[1] == 192
    assert index_of(600, 336, distance, 0).parts["nodes"].shape[1] == 128


@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("kernel", native.usable())
def test_tails_mean_the_same_behind_nodes_and_apart(kernel: str, degree: int) -> None:
    """Indexes of before have them as a part of their own."""
    index = index_of(600, 784, "cosine", degree, residuals=True)
    before = replace(index, parts=with_tails_apart(dict(index.parts)))
    assert before.parts["tails"].size
    for plan in PLANS:
        now, then = searched(index, kernel, 10, plan), searched(before, kernel, 10, plan)
        np.testing.assert_array_equal(now.ids, then.ids)
        np.testing.assert_array_equal(now.distances, then.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_short_rows_have_no_nodes_where_short_codes_tell_enough(distance: Distance) -> None:
    """So the test above sees both; edges lead from node to node."""
    assert not index_of(600, 24, distance, 0, flat=True).parts["nodes"].size
    assert index_of(600, 336, distance, 0, flat=True).parts["nodes"].size
    assert index_of(600, 24, distance, 0).parts["nodes"].size
    assert index_of(600, 24, distance, 8, flat=True).parts["nodes"].size


@pytest.mark.parametrize("k", [1, 3, 100, 599, 600, 2_000])
@pytest.mark.parametrize("degree", [0, 8])
def test_every_k(k: int, degree: int) -> None:
    """One neighbour, all, and more than there are: what is missing is padded."""
    index = index_of(600, 24, "euclidean", degree)
    check(index, k)
    answer = searched(index, PLAINEST, k, PLANS[-1])
    assert (answer.ids[:, 600:] == -1).all()
    assert np.isinf(answer.distances[:, 600:]).all()
    assert (np.diff(answer.distances[:, :600], axis=1) >= 0).all()


@pytest.mark.parametrize("rows", [64, 65, 255, 2_000])
@pytest.mark.parametrize("degree", [0, 8])
def test_few_rows_and_many(rows: int, degree: int) -> None:
    """From the fewest that have an index at all."""
    check(index_of(rows, 24, "cosine", degree), 10)


@pytest.mark.parametrize("distinct", [1, 2, 9, 100])
@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_rows_come_by_id(distance: Distance, degree: int, distinct: int) -> None:
    """Keys that many rows share straddle every stage's bound; of equal distances the lower id."""
    index = index_of(600, 24, distance, degree, distinct=distinct)
    check(index, 10)
    for plan in PLANS:
        answer = searched(index, PLAINEST, 10, plan)
        for ids, away in zip(answer.ids, answer.distances, strict=True):
            real = ids >= 0
            tied = np.diff(away[real]) == 0
            assert (np.diff(ids[real])[tied] > 0).all()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("distance", DISTANCES)
def test_filters(distance: Distance, degree: int, share: float) -> None:
    """Only allowed rows come, under every kernel the same."""
    index = index_of(600, 65, distance, degree)
    allow = np.random.default_rng(3).random(600) < share
    check(index, 10, allow)
    ids = searched(index, PLAINEST, 10, PLANS[-1], allow).ids
    assert allow[ids[ids >= 0]].all()
    assert (ids >= 0).sum(axis=1).tolist() == [min(10, int(allow.sum()))] * len(ids)


@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("dimension", [24, 784])
@pytest.mark.parametrize("distance", DISTANCES)
def test_looking_at_all_is_exact(distance: Distance, dimension: int, degree: int) -> None:
    """The widest plan gives what comparing all rows gives, so no row lies where none looks."""
    index = index_of(600, dimension, distance, degree)
    best = CascadeEngine().open(index.rows, distance, index.parts)
    exact = best.search(index.queries, 10, effort=1.0)
    for kernel in native.usable():
        found = searched(index, kernel, 10, PLANS[-1])
        assert_same(Answer(found.status, exact.ids, exact.distances), found)


@pytest.mark.parametrize("degree", [0, 8])
@pytest.mark.parametrize("dimension", [16, 100])
def test_an_index_answers_alike_at_every_effort(dimension: int, degree: int) -> None:
    """Through the index, the first time with checks and the second by the remembered plan."""
    index = index_of(1_000, dimension, "cosine", degree)
    answers: list[list[Neighbors]] = []
    for kernel in native.usable():
        with native.forced(kernel):
            opened = index.opened()
            answers.append(
                [
                    opened.search(index.queries, k, effort=effort)
                    for k in (1, 10)
                    for effort in (*EFFORTS, *EFFORTS)
                ]
            )
    for others in zip(*answers, strict=True):
        for other in others[1:]:
            np.testing.assert_array_equal(others[0].ids, other.ids)
            np.testing.assert_allclose(others[0].distances, other.distances, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel", native.usable())
def test_rows_of_any_length_under_cosine(kernel: str) -> None:
    """Built over rows that are scaled, zeros among them: distances are those of the directions."""
    rng = np.random.default_rng(5)
    unit = rows_of(500, 24, seed=5, unit=True)
    lengths = np.exp(rng.uniform(-8, 8, (500, 1))).astype(np.float32)
    rows = np.asarray(unit * lengths, np.float32)
    rows[::50] = 0
    queries = normalise(rows[rng.integers(500, size=8)] + np.float32(1e-3))
    with native.forced(kernel):
        index = CascadeEngine().build(rows, "cosine", degree=0, lists=16)
        for effort in (0.0, 0.5, 0.99):
            found = index.search(queries, 5, effort=effort)
            wanted = 1 - (queries[:, np.newaxis] * unit[found.ids]).sum(axis=2)
            wanted[np.isin(found.ids, np.arange(0, 500, 50))] = 1
            np.testing.assert_allclose(found.distances, wanted, atol=2e-6)
        everything = index.search(queries, 500, effort=0.5)
        assert (np.sort(everything.ids, axis=1) == np.arange(500)).all()


@pytest.mark.parametrize("kernel", native.usable())
@pytest.mark.parametrize("distance", DISTANCES)
def test_unusual_queries_get_a_right_formed_answer(kernel: str, distance: Distance) -> None:
    """NaN, infinity, huge, and of no length: status 1 and padding, never what was there before."""
    index = index_of(600, 24, distance, 0)
    queries = np.zeros((5, 24), np.float32)
    queries[0, 3], queries[1, 5], queries[2] = np.nan, -np.inf, 3e38
    queries[3] = index.rows[1] * np.float32(2e13)
    queries[4] = index.rows[1]
    odd = Made(index.rows, queries, distance, index.parts)
    answer = searched(odd, kernel, 3, PLANS[2])
    assert answer.status == 1
    assert (answer.ids[:4] == -1).all()
    assert np.isinf(answer.distances[:4]).all()
    assert 1 in answer.ids[4] or distance == "inner_product"


@pytest.mark.parametrize("kernel", native.usable())
def test_the_index_answers_far_queries_exactly(kernel: str) -> None:
    """Long queries that the stages refuse are answered by looking at all rows."""
    rows = rows_of(300, 7, seed=9)
    rows[0] = 9e11 / np.sqrt(7)
    with native.forced(kernel):
        index = CascadeEngine().build(rows, "euclidean", degree=0)
        query = np.full((1, 7), -9e11 / np.sqrt(7), np.float32)
        for _ in range(2):  # the second goes by the remembered plan
            found = index.search(query, 4, effort=0.5)
            wanted = np.lexsort((np.arange(300), np.linalg.norm(rows - query, axis=1)))[:4]
            away = np.linalg.norm(rows[found.ids[0]] - query, axis=1)
            np.testing.assert_allclose(
                away, np.linalg.norm(rows[wanted] - query, axis=1), rtol=1e-6
            )
            assert (found.ids >= 0).all()


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(64, 400),
    dimension=st.integers(1, 90),
    distance=st.sampled_from(DISTANCES),
    degree=st.sampled_from([0, 1, 5]),
    distinct=st.sampled_from([0, 3, 40]),
    plan=st.tuples(*(st.integers(1, 60) for _ in range(6))),
    k=st.integers(1, 40),
)
def test_any_index_and_plan(
    seed: int,
    rows: int,
    dimension: int,
    distance: Distance,
    degree: int,
    distinct: int,
    plan: Plan,
    k: int,
) -> None:
    """The law for whatever Hypothesis thinks of.

    Only whole sets of rows are compared: two rows whose distances differ by less than a rounding
    may come either way round.
    """
    points = rows_of(rows, dimension, seed=seed, unit=distance == "cosine")
    points = repeated(points, distinct) if distinct else points
    index = made(points, distance, queries=3, degree=degree, lists=16)
    plain = searched(index, PLAINEST, k, plan)
    for kernel in OTHERS:
        other = searched(index, kernel, k, plan)
        assert other.status == plain.status
        finite = np.isfinite(plain.distances)
        np.testing.assert_array_equal(finite, np.isfinite(other.distances))
        np.testing.assert_allclose(
            plain.distances[finite], other.distances[finite], rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("kernel", native.usable())
def test_odd_queries_leave_those_beside_them_as_they_are(kernel: str) -> None:
    """In a batch each query is answered as it is alone, whatever is beside it."""
    rows = rows_of(3_000, 40, unit=True)
    queries = rows_of(6, 40, seed=1, unit=True)
    queries[[1, 4]] *= np.float32(3)  # not of length 1, as the kernel wants them
    with native.forced(kernel):
        index = CascadeEngine().build(rows, "cosine")
        alone = [index.search(queries[n : n + 1], 5) for n in range(6)]
        for _ in range(2):  # the second time by the plan that the first one has left
            found = index.search(queries, 5)
            for number, each in enumerate(alone):
                np.testing.assert_array_equal(found.ids[number], each.ids[0])
                np.testing.assert_array_equal(found.distances[number], each.distances[0])
        assert index.search(queries[[1, 4]], 5).ids.tolist() == found.ids[[1, 4]].tolist()
