"""What an index is made of: axes, lists, codes and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame import native
from mitame.distances import DISTANCES, Distance
from mitame.engines.cascade import clustering, coding, lists
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.graph import both_ways
from mitame.engines.cascade.parts import read_parts
from mitame.engines.cascade.shape import (
    BLOCK,
    FAR,
    LINE,
    NODE,
    NODE_8,
    PROJECTED,
    RESIDUAL,
    Shape,
    shape_for,
)
from tests.engines.cascade.made import Floats, repeated, rows_of

SEEDS = st.integers(0, 2**32 - 1)
WIDTHS = st.sampled_from([16, 32, 48, 64])


def numbers_of(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def codes_for(seed: int, rows: int, bits: NDArray[np.int64]) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(0, 2**bits, size=(rows, len(bits))), np.uint8)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, rows=st.integers(1, 20), scale=st.sampled_from([1e-18, 1e-3, 1.0, 1e11]))
def test_a_code_is_within_a_step_of_its_number(seed: int, rows: int, scale: float) -> None:
    """In range always; within half a step of what it stands for, where that is not cut off."""
    bits = coding.node_bits()
    values = numbers_of(seed, rows, PROJECTED) * np.float32(scale)
    steps = coding.steps_of(np.full(PROJECTED, scale, np.float32), bits)
    codes, stands = coding.codes_and_stands(values, steps, bits)
    assert (codes <= 2**bits - 1).all()
    assert (codes[:, bits == 8] >= 1).all()
    middle = np.where(bits == 8, 128, (2.0**bits - 1) / 2)
    reach = np.where(bits == 8, 127, middle) * steps
    inside = np.abs(values) <= reach
    assert (np.abs(values - stands) <= 0.501 * steps)[inside].all()
    np.testing.assert_allclose(stands, (codes - middle) * steps, rtol=1e-5)


def test_a_coordinate_that_never_differs_costs_nothing() -> None:
    """Its step is 0, and so is what its code stands for."""
    bits = coding.node_bits()
    steps = coding.steps_of(np.zeros(PROJECTED, np.float32), bits)
    codes, stands = coding.codes_and_stands(numbers_of(1, 3, PROJECTED), steps, bits)
    assert not steps.any()
    assert not stands.any()
    assert np.isfinite(codes).all()


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, fours=WIDTHS, twos=st.sampled_from([0, 16, 64, 128]), rows=st.integers(1, 50))
def test_short_codes_are_read_as_they_were_packed(
    seed: int, fours: int, twos: int, rows: int
) -> None:
    """Packed and interleaved, then separated and unpacked: the codes themselves."""
    shape = Shape(fours + twos, fours, twos, LINE, tail=False, projected=16)
    codes = codes_for(seed, rows, coding.short_bits(shape))
    places = np.random.default_rng(seed).permutation(64)[:rows]
    blocks = coding.interleaved(coding.packed_short(codes, shape), places, 4)
    assert blocks.shape == (4, shape.block_bytes)
    apart = coding.separated(blocks, shape.block_bytes // BLOCK)
    np.testing.assert_array_equal(coding.unpacked_short(apart, fours)[places], codes)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, rows=st.integers(1, 20))
def test_nodes_and_tails_are_read_as_they_were_packed(seed: int, rows: int) -> None:
    """All three widths of a node, its norm, and the tail."""
    codes = codes_for(seed, rows, coding.node_bits())
    norms = numbers_of(seed, rows) ** 2
    nodes = coding.packed_nodes(codes[:, :NODE], norms)
    np.testing.assert_array_equal(nodes[:, :32], codes[:, :32])
    np.testing.assert_array_equal(coding.halves(nodes[:, 32:64]), codes[:, 32:96])
    np.testing.assert_array_equal(coding.pairs(nodes[:, 64:124]), codes[:, 96:NODE])
    np.testing.assert_array_equal(nodes[:, 124:].copy().view("<f4").ravel(), norms)
    tails = coding.packed_tails(codes[:, NODE:])
    np.testing.assert_array_equal(coding.pairs(tails), codes[:, NODE:])


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, rows=st.integers(1, 20), lines=st.integers(1, 3))
def test_residuals_are_what_nodes_leave(seed: int, rows: int, lines: int) -> None:
    """Within half of their own step, which is a part of the node's, where they are not cut off;
    first halves of each line's bytes, then the others."""
    end = NODE_8 + RESIDUAL * lines
    steps = np.abs(numbers_of(seed, PROJECTED)) + np.float32(0.1)
    left = numbers_of(seed + 1, rows, PROJECTED) * steps
    packed = coding.packed_residuals(left, steps, lines)
    assert packed.shape == (rows, LINE * lines)
    each = [coding.halves(line) for line in np.split(packed, lines, axis=1)]
    own = steps[NODE_8:end] * coding.RESIDUAL_PART
    away = np.abs((np.concatenate(each, axis=1) - 7.5) * own - left[:, NODE_8:end])
    inside = np.abs(left[:, NODE_8:end]) <= 7.5 * own
    assert inside.any()
    assert (away <= 0.501 * own)[inside].all()


@settings(deadline=None, max_examples=60)
@given(owner=st.lists(st.integers(0, 9), max_size=120), owners=st.integers(10, 14))
def test_every_member_has_one_place_among_its_owners(owner: list[int], owners: int) -> None:
    """Each place once; each owner's begin at a block, in the members' order, without a gap."""
    members = np.array(owner, np.int64)
    places, count, starts = lists.placed(members, owners)
    assert len(set(places.tolist())) == len(members)
    assert count % BLOCK == 0
    assert starts[0] == 0
    assert starts[-1] * BLOCK == count
    for one in range(owners):
        mine = places[members == one]
        np.testing.assert_array_equal(mine, starts[one] * BLOCK + np.arange(len(mine)))
        assert 0 <= (starts[one + 1] - starts[one]) * BLOCK - len(mine) < BLOCK


def test_axes_are_orthogonal_and_sorted_by_energy() -> None:
    """They turn and don't stretch; the first has most energy; the shares are all of it."""
    sample = rows_of(800, 20, fall=1.0)
    mean, axes, shares = clustering.axes_of(sample.copy())
    np.testing.assert_allclose(axes @ axes.T, np.eye(20), atol=1e-5)
    assert (np.diff(shares) <= 1e-7).all()
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    variance = ((sample - mean) @ axes.T).var(axis=0)
    np.testing.assert_allclose(variance / variance.sum(), shares, atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, count=st.integers(1, 30), rows=st.integers(1, 200))
def test_k_means_gives_as_many_centres_as_were_asked_for(seed: int, count: int, rows: int) -> None:
    """Finite ones, of fewer points, too; and hardly worse than one centre."""
    points = numbers_of(seed, rows, 5)
    centres = clustering.k_means(points, count, seed)
    assert centres.shape == (count, 5)
    assert np.isfinite(centres).all()
    owner = clustering.nearest(points, centres)
    spread = ((points - centres[owner]) ** 2).sum()
    assert spread <= ((points - points.mean(axis=0)) ** 2).sum() * 1.2 + 1e-4


def test_k_means_in_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of centres, groups come first: the same count, nearly as good."""
    points = numbers_of(2, 3_000, 6)
    flat = clustering.k_means(points, 120, 3)
    monkeypatch.setattr(clustering, "_FLAT", 100)
    stepped = clustering.k_means(points, 120, 3)
    assert stepped.shape == flat.shape

    def spread(centres: Floats) -> float:
        return float(((points - centres[clustering.nearest(points, centres)]) ** 2).sum())

    assert spread(stepped) < 1.15 * spread(flat)


@settings(deadline=None, max_examples=60)
@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=20), part=st.floats(0, 1))
def test_shares_are_all_of_the_total(counts: list[int], part: float) -> None:
    """In proportion within one, and nobody gets more than it has."""
    numbers = np.array(counts, np.int64)
    total = int(numbers.sum() * part)
    if not numbers.sum():
        return
    shares = clustering._shares(numbers, total)
    assert shares.sum() == total
    assert (shares <= numbers).all()
    assert (np.abs(shares - numbers * total / numbers.sum()) <= 1).all()


def test_nearest_is_nearest() -> None:
    """By brute force, over more points than one block."""
    points, centres = numbers_of(4, 5_000, 7), numbers_of(5, 40, 7)
    apart = ((points[:, np.newaxis] - centres) ** 2).sum(axis=2)
    found = clustering.nearest(points, centres)
    best = apart.min(axis=1)
    np.testing.assert_allclose(apart[np.arange(5_000), found], best, rtol=1e-4)


def test_nearest_by_roots_is_mostly_nearest() -> None:
    """What looks only around the nearest root finds a centre that is little further away."""
    points = rows_of(4_000, 16, fall=0.5)
    centres = clustering.k_means(points, 200, 0)
    roots = clustering.k_means(centres, 14, 0)
    root_of = clustering.nearest(centres, roots)
    quick = clustering.nearest_by_roots(points, centres, roots, root_of)
    away = np.linalg.norm(points - centres[quick], axis=1)
    least = np.linalg.norm(points - centres[clustering.nearest(points, centres)], axis=1)
    assert away.mean() < 1.06 * least.mean()
    assert away.mean() > least.mean()  # it does leave some out


def test_many_lists_are_assigned_by_their_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with more lists than are compared one by one answers as well."""
    rows = rows_of(1_500, 16)
    monkeypatch.setattr(lists, "_MANY_LISTS", 20)
    index = CascadeEngine().build(rows, "euclidean", degree=0, lists=150)
    found = index.search(rows, 1, effort=0.7)
    assert (found.ids[:, 0] == np.arange(1_500)).mean() > 0.95


def test_edges_lead_both_ways() -> None:
    """Each edge and its reverse, a row's own first, cut at the width, -1 after the last."""
    edges = np.array([[1, 2], [2, -1], [-1, -1], [0, -1]], np.int32)
    assert both_ways(edges, 3).tolist() == [[1, 2, 3], [2, 0, -1], [0, 1, -1], [0, -1, -1]]
    assert both_ways(edges, 1).tolist() == [[1], [2], [0], [0]]
    assert (both_ways(np.full((3, 2), -1, np.int32), 2) == -1).all()


def test_widths_fit_the_rows() -> None:
    """Small rows have small codes; only flat ones tails, and long ones with edges residuals;
    with edges short codes are shorter."""
    flat = np.full(784, 1 / 784, np.float32)
    steep = np.array([0.99] + [0.01 / 783] * 783, np.float32)
    assert shape_for(np.ones(1, np.float32), edges=False) == Shape(1, 16, 0, 64, False, 1)
    assert shape_for(flat, edges=False).tail
    assert not shape_for(steep, edges=False).tail
    long = np.full(1_024, 1 / 1_024, np.float32)
    assert shape_for(long, edges=True).residual_bytes == 3 * LINE
    assert not shape_for(long, edges=False).residual_bytes
    assert not shape_for(flat, edges=True).residual_bytes
    assert not shape_for(np.concatenate([steep, long * 0]), edges=True).residual_bytes
    assert shape_for(flat, edges=True).twos < shape_for(flat, edges=False).twos
    for shares in (flat, steep, flat[:300] * np.float32(784 / 300)):
        shape = shape_for(shares, edges=False)
        assert shape.fours % 16 == shape.twos % 16 == shape.coarse % LINE == 0
        assert shape.short <= PROJECTED


def as_bytes(parts: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    return {name: part.tobytes() for name, part in parts.items()}


@pytest.mark.parametrize("degree", [0, pytest.param(6, marks=pytest.mark.native)])
@pytest.mark.parametrize("distance", DISTANCES)
def test_the_same_seed_gives_the_same_bytes(distance: Distance, degree: int) -> None:
    """On any number of threads; and another seed another index."""
    rows = rows_of(900, 24, unit=distance == "cosine")
    builds = [
        as_bytes(CascadeEngine().build(rows, distance, degree=degree, seed=7, threads=n).save())
        for n in (1, 2, 5)
    ]
    assert builds[0] == builds[1] == builds[2]
    other = CascadeEngine().build(rows, distance, degree=degree, seed=8).save()
    assert as_bytes(other) != builds[0]


@pytest.mark.parametrize("distance", DISTANCES)
def test_every_row_is_somewhere(distance: Distance) -> None:
    """Each id once; a norm where there is a row, and FAR where there is none."""
    rows = rows_of(700, 24, unit=distance == "cosine")
    parts = CascadeEngine().build(rows, distance, degree=0).save()
    ids = parts["ids"]
    assert sorted(ids[ids >= 0].tolist()) == list(range(700))
    np.testing.assert_array_equal(parts["row-norms"] < FAR, ids >= 0)
    starts = parts["row-starts"]
    assert (np.diff(starts) >= 0).all()
    assert starts[-1] * BLOCK == len(ids)


def odd_rows() -> dict[str, Floats]:
    """Rows that a clustering or a quantiser may trip over."""
    rows = rows_of(300, 24)
    constant, outlier, one_axis = rows.copy(), rows.copy(), np.zeros_like(rows)
    constant[:, 3] = 5
    outlier[17] = 1e6
    one_axis[:, 2] = rows[:, 2]
    return {
        "all equal": np.ones_like(rows),
        "all zero": np.zeros_like(rows),
        "few distinct": repeated(rows, 5),
        "constant column": constant,
        "one outlier": outlier,
        "one axis": one_axis,
        "tiny": rows * np.float32(1e-9),
        "very tiny": rows * np.float32(1e-20),
        "large": rows * np.float32(1e9),
        "very large": rows * np.float32(1e20),
        "from tiny to large": rows * np.logspace(-11, 11, 300, dtype=np.float32)[:, np.newaxis],
        "some zero": rows * (np.arange(300) % 3 > 0)[:, np.newaxis].astype(np.float32),
        "subnormal": rows * np.float32(1e-40),
    }


@pytest.mark.parametrize("kernel", native.usable())
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("kind", list(odd_rows()))
def test_odd_rows_have_an_index_like_any(kind: str, distance: Distance, kernel: str) -> None:
    """It finds k different rows at every effort, nearest first, and at high effort the nearest."""
    rows = odd_rows()[kind]
    with native.forced(kernel):
        index = CascadeEngine().build(rows, distance, degree=0, lists=40)
        exact = index.search(rows[:20], 5, effort=1.0)
        for effort in (0.0, 0.5, 0.99):
            found = index.search(rows[:20], 5, effort=effort)
            assert ((found.ids >= 0) & (found.ids < 300)).all()
            assert all(len(set(line)) == 5 for line in found.ids.tolist())
            assert (np.diff(found.distances, axis=1) >= 0).all()
    if kind == "from tiny to large" and distance == "euclidean":
        return  # no code of few bits tells tiny rows apart beside large ones
    scale = max(np.abs(exact.distances).max(), 1e-6 if distance == "cosine" else 0)
    assert (found.distances - exact.distances <= 0.05 * scale).mean() > 0.9


@pytest.mark.parametrize("factor", [1e-20, 1e20])
def test_rows_whose_squares_leave_float32_are_all_looked_at(factor: float) -> None:
    """Nothing is saved for them, and opened again they answer exactly."""
    rows = rows_of(200, 8) * np.float32(factor)
    index = CascadeEngine().build(rows, "euclidean")
    assert not index.save()
    assert read_parts(rows, "euclidean", {}) is None
    opened = CascadeEngine().open(rows, "euclidean", {})
    assert opened.search(rows[:9], 1, effort=0.1).ids[:, 0].tolist() == list(range(9))


@pytest.mark.native
@pytest.mark.skipif(len(native.usable()) == 1, reason="the native module was not built here")
@pytest.mark.parametrize("distance", DISTANCES)
def test_edges_lead_to_near_rows(distance: Distance) -> None:
    """Places with rows only, no row to itself, none twice; mostly to rows that are near."""
    rows = rows_of(600, 16, unit=distance == "cosine")
    parts = CascadeEngine().build(rows, distance, degree=6).save()
    edges, ids = parts["edges"].reshape(-1, 6), parts["ids"]
    assert (edges[ids < 0] == -1).all()
    near = 0
    for place in np.flatnonzero(ids >= 0):
        line = edges[place]
        line = line[line >= 0]
        assert (ids[line] >= 0).all()
        assert place not in line
        assert len(set(line.tolist())) == len(line) > 0
        assert (edges[place, len(line) :] == -1).all()
        apart = np.linalg.norm(rows - rows[ids[place]], axis=1)
        near += int((apart[ids[line]] <= np.partition(apart, 60)[60]).sum())
    assert distance == "inner_product" or near > 0.7 * (edges >= 0).sum()
