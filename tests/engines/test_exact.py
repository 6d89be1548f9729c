"""The exact engine where rounding, scale and blocks could show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.distances import DISTANCES, Distance, normalise
from mitame.engines import ranking
from mitame.engines.exact import ExactEngine, scanning
from mitame.engines.exact.copies import decode, encode
from mitame.engines.protocol import Engine, Rows
from mitame.errors import CorruptCollection, InvalidVector, UsageError
from mitame.testing.engine_parts import resident
from mitame.testing.engines import EngineConformance, brute_force

COPIES = ("float32", "float16", "int8")


class TestFloat16(EngineConformance):
    """All laws, scanning the copy of half the size."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {"dtype": "float16"}

    def make(self) -> Engine:
        """The exact engine."""
        return ExactEngine()


class TestInt8(EngineConformance):
    """All laws, scanning the copy of a quarter of the size."""

    SETTINGS: ClassVar[Mapping[str, Any]] = {"dtype": "int8"}

    def make(self) -> Engine:
        """The exact engine."""
        return ExactEngine()


def _rows(seed: int, n: int, dimension: int, scale: float = 1.0) -> Rows:
    return (np.random.default_rng(seed).normal(size=(n, dimension)) * scale).astype(np.float32)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 1e8, 1e30])
def test_any_scale_answers_as_brute_force(distance: Distance, scale: float) -> None:
    """Products that would overflow or vanish in float32 do not change the answer."""
    rows = _rows(1, 200, 16, scale)
    rows[100:110] *= np.float32(1e-3)
    rows[0] = 0
    queries = np.concatenate([rows[:3], _rows(2, 2, 16, scale)])
    index = ExactEngine().build(rows, distance)
    for allow in (None, np.arange(200) % 3 == 0):
        answer = index.search(queries, 12, allow=allow)
        true = brute_force(rows, queries, 12, distance, allow)
        np.testing.assert_array_equal(answer.ids, true.ids)
        np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_rows_closer_than_rounding_are_still_ordered(distance: Distance) -> None:
    """Rows that float32 products can't tell apart come in their true order."""
    rng = np.random.default_rng(3)
    base = normalise(_rows(3, 1, 256))[0]
    rows = (base + rng.normal(size=(500, 256)) * 1e-6).astype(np.float32)
    answer = ExactEngine().build(rows, distance).search(base[np.newaxis], 20)
    true = brute_force(rows, base[np.newaxis], 20, distance)
    np.testing.assert_array_equal(answer.ids, true.ids)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("share", [None, 0.9, 0.2])
def test_blocks_do_not_show(
    monkeypatch: pytest.MonkeyPatch, distance: Distance, share: float | None
) -> None:
    """Many small blocks answer as one large block does, filtered or not."""
    rows, queries = _rows(4, 1500, 8), _rows(5, 3, 8)
    rows[700:760] = rows[0]
    allow = None if share is None else np.random.default_rng(6).random(len(rows)) < share
    whole = ExactEngine().build(rows, distance).search(queries, 70, allow=allow)
    monkeypatch.setattr(scanning, "_KEYS_PER_BLOCK", 3 * 256)
    monkeypatch.setattr(scanning, "_GATHER_FLOATS", 8 * 100)
    monkeypatch.setattr(ranking, "_FLOATS_AT_ONCE", 8 * 7)
    parts = ExactEngine().build(rows, distance).search(queries, 70, allow=allow)
    np.testing.assert_array_equal(whole.ids, parts.ids)
    np.testing.assert_array_equal(whole.distances, parts.distances)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 60),
    k=st.integers(1, 70),
    levels=st.integers(1, 4),
    distance=st.sampled_from(DISTANCES),
    share=st.floats(0, 1),
)
def test_answers_as_brute_force(
    seed: int, n: int, k: int, levels: int, distance: Distance, share: float
) -> None:
    """Law: ids and distances equal brute force, on data full of ties and zeros, under a filter."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-levels, levels + 1, size=(n, 3)).astype(np.float32)
    queries = rng.integers(-levels, levels + 1, size=(2, 3)).astype(np.float32)
    allow = rng.random(n) < share
    answer = ExactEngine().build(rows, distance).search(queries, k, allow=allow)
    true = brute_force(rows, queries, k, distance, allow)
    np.testing.assert_array_equal(answer.ids, true.ids)
    np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("distance", DISTANCES)
def test_trusted_rows_answer_alike(distance: Distance) -> None:
    """Leaving out the check of rows that are fine changes nothing."""
    rows, queries = normalise(_rows(7, 300, 32)), _rows(8, 4, 32, 5.0)
    checked = ExactEngine().build(rows, distance).search(queries, 9)
    trusted = ExactEngine().build(rows, distance, trusted=True).search(queries, 9)
    np.testing.assert_array_equal(checked.ids, trusted.ids)
    np.testing.assert_array_equal(checked.distances, trusted.distances)


def test_wrong_arguments_are_refused() -> None:
    """Each with its own error, before anything is computed."""
    rows = _rows(9, 5, 4)
    index = ExactEngine().build(rows, "cosine")
    with pytest.raises(UsageError, match="setting 'trees'"):
        ExactEngine().build(rows, "cosine", trees=3)
    with pytest.raises(InvalidVector):
        ExactEngine().build(rows[0], "cosine")
    with pytest.raises(UsageError, match="effort"):
        index.search(rows, 1, effort=1.5)
    with pytest.raises(UsageError, match="allow"):
        index.search(rows, 1, allow=np.ones(4, np.bool_))
    with pytest.raises(UsageError, match="allow"):
        index.search(rows, 1, allow=np.ones(5, np.int8))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1.0, 1e8, 1e30])
def test_copies_answer_as_brute_force_at_any_scale(
    distance: Distance, dtype: str, scale: float
) -> None:
    """Also where rows are of very different lengths, so that one error would not do for all."""
    rows = _rows(1, 300, 16, scale)
    rows *= np.random.default_rng(2).lognormal(sigma=3, size=(300, 1)).astype(np.float32)
    rows[0] = 0
    queries = np.concatenate([rows[:3], _rows(2, 3, 16, scale)])
    index = ExactEngine().build(rows, distance, dtype=dtype)
    for allow in (None, np.arange(300) % 3 == 0, np.arange(300) % 9 == 0):
        answer = index.search(queries, 12, allow=allow)
        true = brute_force(rows, queries, 12, distance, allow)
        np.testing.assert_array_equal(answer.ids, true.ids)
        np.testing.assert_array_equal(answer.distances, true.distances)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 400),
    k=st.integers(1, 30),
    dimension=st.integers(1, 40),
    closeness=st.floats(0, 6),
    distance=st.sampled_from(DISTANCES),
    dtype=st.sampled_from(["float16", "int8"]),
)
def test_copies_lose_no_row(
    seed: int, n: int, k: int, dimension: int, closeness: float, distance: Distance, dtype: str
) -> None:
    """Law: the answer is brute force's, also where rows are closer than the copy can tell."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=dimension)
    rows = (centre + 10**-closeness * rng.normal(size=(n, dimension))).astype(np.float32)
    queries = (rows[:2] + 10**-closeness * rng.normal(size=(len(rows[:2]), dimension))).astype(
        np.float32
    )
    answer = ExactEngine().build(rows, distance, dtype=dtype).search(queries, k)
    true = brute_force(rows, queries, k, distance)
    np.testing.assert_array_equal(answer.ids, true.ids)
    np.testing.assert_array_equal(answer.distances, true.distances)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_errors_of_a_copy_bound_how_far_it_is_from_its_rows(dtype: str) -> None:
    """Each row is at most its error away from what its codes stand for, and hardly less."""
    rows = _rows(10, 500, 30, 7.0)
    copy = encode(rows, "euclidean", dtype, 1)
    meant = copy.codes.astype(np.float64) * copy.scales[:, np.newaxis]
    away = np.linalg.norm(meant - rows, axis=1)
    assert (away <= copy.errors).all()
    assert (copy.errors <= away * 1.001 + 1e-12).all()
    np.testing.assert_allclose(copy.squares, (meant**2).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize(("dtype", "share"), [("float16", 0.01), ("int8", 0.06)])
def test_copies_leave_few_rows_to_be_ranked(dtype: str, share: float) -> None:
    """The bounds are worth having: only few of the rows are looked at again."""
    rows, queries = _rows(11, 4_000, 64), _rows(12, 10, 64)
    index = ExactEngine().build(rows, "euclidean", dtype=dtype)
    near = [len(ids) for ids in index._candidates(queries, 10, None)]
    assert min(near) >= 10
    assert max(near) <= share * len(rows)


def test_copies_are_smaller_than_the_rows() -> None:
    """A half and a quarter, and three numbers per row; the rows themselves cost nothing."""
    rows = _rows(13, 1_000, 128)
    sizes = {d: ExactEngine().build(rows, "cosine", dtype=d).memory for d in COPIES}
    assert sizes == {"float32": 0, "float16": 256_000 + 12_000, "int8": 128_000 + 12_000}


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_float16_and_int8_codes_decode_to_what_numpy_says(dtype: str) -> None:
    """Every code there is, but float16's subnormal numbers, which are never stored."""
    if dtype == "int8":
        codes: NDArray[Any] = np.arange(-128, 128).astype(np.int8)
    else:
        codes = np.arange(2**16).astype(np.uint16).view(np.float16)
        usual = np.isfinite(codes) & ((np.abs(codes) >= 2.0**-14) | (codes == 0))
        codes = codes[usual]
    out = np.empty((1, len(codes)), np.float32)
    np.testing.assert_array_equal(decode(codes[np.newaxis], out)[0], codes.astype(np.float32))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dtype", COPIES)
def test_many_queries_at_once_answer_as_each_alone(distance: Distance, dtype: str) -> None:
    """More than are scanned together, in blocks and by threads: to the bit."""
    rows, queries = _rows(14, 700, 12), _rows(15, 300, 12)
    index = ExactEngine().build(rows, distance, dtype=dtype)
    together = index.search(queries, 5)
    true = brute_force(rows, queries, 5, distance)
    np.testing.assert_array_equal(together.ids, true.ids)
    np.testing.assert_array_equal(together.distances, true.distances)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 3_000), k=st.integers(1, 40))
def test_kth_lowest_is_a_limit_that_k_keys_keep(seed: int, n: int, k: int) -> None:
    """Law: at least k keys do not exceed it, where there are k finite ones."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, 50, size=n).astype(np.float32)
    keys[rng.random(n) < rng.random()] = np.inf
    limit = scanning.kth_lowest(keys, k)
    finite = int(np.isfinite(keys).sum())
    assert np.isfinite(limit)
    assert int((keys <= limit).sum()) >= min(k, finite)


def test_opened_copies_need_the_rows_for_the_last_step_only(tmp_path: Path) -> None:
    """A search over mapped rows reads a few pages of them, not their file."""
    rows = _rows(16, 8_000, 256)
    np.save(tmp_path / "rows.npy", rows)
    parts = ExactEngine().build(rows, "euclidean", dtype="int8").save()
    there = np.load(tmp_path / "rows.npy", mmap_mode="r", allow_pickle=False)
    index = ExactEngine().open(there, "euclidean", parts)
    assert index.search(rows[:1], 1).ids.tolist() == [[0]]
    assert resident(there) < there.nbytes // 4


@pytest.mark.parametrize("damage", ["codes", "scales", "errors", "squares", "head"])
def test_parts_that_do_not_fit_are_refused(damage: str) -> None:
    """One missing, or of other rows."""
    rows = _rows(17, 100, 8)
    engine = ExactEngine()
    parts = dict(engine.build(rows, "euclidean", dtype="int8").save())
    other = engine.build(rows[:50], "euclidean", dtype="int8").save()
    with pytest.raises(CorruptCollection):
        engine.open(rows, "euclidean", {**parts, damage: other[damage]})
    del parts[damage]
    with pytest.raises(CorruptCollection):
        engine.open(rows, "euclidean", parts)


def test_rows_that_only_seem_to_be_of_length_one_are_not_taken_for_it() -> None:
    """An index over checked rows, opened again, still divides by their lengths."""
    rows, queries = _rows(18, 300, 8, 3.0), _rows(19, 5, 8)
    built = ExactEngine().build(rows, "cosine")
    opened = ExactEngine().open(rows, "cosine", built.save())
    np.testing.assert_array_equal(opened.search(queries, 9).ids, built.search(queries, 9).ids)
    unit = ExactEngine().build(normalise(rows), "cosine", trusted=True)
    assert unit.save().keys() == {"head"}
