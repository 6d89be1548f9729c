"""The kernels that tell which new rows may be near: the same as NumPy, and strict."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native

KERNELS = [name for name in native.usable() if name != native.NUMPY]
pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(not KERNELS, reason="the native module was not built"),
]


def drawn(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def products(rows: NDArray[np.float32], question: NDArray[np.float32]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rows.astype(np.float64) @ question.astype(np.float64).T
    return np.asarray(found.max(axis=1))


def between(values: NDArray[np.float64]) -> float:
    """A bound in the widest gap, where no rounding decides."""
    ordered = np.sort(values)
    place = int(np.argmax(np.diff(ordered)))
    return float(ordered[place] + ordered[place + 1]) / 2


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("width", [1, 7, 8, 31, 32, 33, 130, 1_280])
@pytest.mark.parametrize("vectors", [1, 3])
def test_rows_that_reach_a_bound(kernel: str, width: int, vectors: int) -> None:
    """Whatever the width leaves over, from a row on; rows without an owner never do."""
    rows, question = drawn(1, 60, width), drawn(2, vectors, width)
    found, owners = products(rows, question), np.arange(60, dtype=np.int64)
    owners[::4] = -1
    bound = between(found)
    right = [n for n in range(5, 50) if found[n] >= bound and owners[n] >= 0]
    with native.forced(kernel):
        module = native.module()
        assert module is not None
        assert module.reaching(rows, 5, 50, owners, question, bound) == right
        assert module.reaching(rows, 50, 50, owners, question, -np.inf) == []


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("halved", [False, True])
def test_those_of_some_rows(kernel: str, halved: bool) -> None:
    """Numbers are shifted to rows; half the squared length counts where it is to."""
    rows, question = drawn(3, 40, 77), drawn(4, 2, 77)
    found = products(rows, question) - halved * (rows.astype(np.float64) ** 2).sum(axis=1) / 2
    bound, numbers = between(found), [3, 10, 11, 29]
    with native.forced(kernel):
        module = native.module()
        assert module is not None
        for shift in (-3, 0, 10):
            right = [n for n in numbers if found[n + shift] >= bound]
            assert module.sifted(rows, shift, numbers, question, bound, halved) == right


def kernel_of(name: str) -> ModuleType:
    module = native.module()
    assert module is not None
    assert native.kernel() == name
    return module


@pytest.fixture(params=KERNELS)
def module(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The native module with each kernel that runs here."""
    with native.forced(request.param):
        yield kernel_of(request.param)


ROWS, OWNERS, QUESTION = drawn(5, 4, 8), np.zeros(4, np.int64), drawn(6, 1, 8)
ALL = -np.inf
"""A bound that every row reaches."""
GONE, LENGTH = "not all there", "vectors of the rows' length"


@pytest.mark.parametrize(
    ("first", "end", "owners", "question", "reason"),
    [
        (0, 5, OWNERS, QUESTION, GONE),
        (5, 5, OWNERS, QUESTION, GONE),
        (3, 2, OWNERS, QUESTION, GONE),
        (2**64 - 1, 2, OWNERS, QUESTION, GONE),
        (0, 2**64 - 1, OWNERS, QUESTION, GONE),
        (0, 4, OWNERS[:3], QUESTION, GONE),
        (0, 1, OWNERS[:0], QUESTION, GONE),
        (0, 5, np.zeros(9, np.int64), QUESTION, GONE),
        (0, 4, OWNERS, drawn(6, 1, 7), LENGTH),
        (0, 4, OWNERS, drawn(6, 1, 9), LENGTH),
        (0, 4, OWNERS, drawn(6, 0, 8), LENGTH),
        (0, 0, OWNERS, drawn(6, 0, 8), LENGTH),
    ],
)
def test_rows_that_are_not_there_are_not_read(
    module: ModuleType,
    first: int,
    end: int,
    owners: NDArray[np.int64],
    question: NDArray[np.float32],
    reason: str,
) -> None:
    """Past the end of rows or owners, backwards, by a question of another length: ValueError."""
    with pytest.raises(ValueError, match=reason):
        module.reaching(ROWS, first, end, owners, question, ALL)


@pytest.mark.parametrize("vectors", [1, 2])
def test_rows_at_the_edge_are_read(module: ModuleType, vectors: int) -> None:
    """The first and the last, none of none; owners may be more than rows."""
    question = drawn(6, vectors, 8)
    for first, end in ((0, 4), (3, 4), (0, 1), (4, 4), (0, 0)):
        for owners in (OWNERS, np.zeros(9, np.int64)):
            found = module.reaching(ROWS, first, end, owners, question, ALL)
            assert found == list(range(first, end))
    assert module.reaching(ROWS[:0], 0, 0, OWNERS[:0], question, ALL) == []
    assert module.reaching(ROWS[:, :0].copy(), 0, 4, OWNERS, drawn(6, vectors, 0), 0.0) == [
        *range(4)
    ]


@pytest.mark.parametrize(
    ("shift", "numbers"),
    [
        (0, [4]),
        (0, [-1]),
        (0, [0, 1, 2, 3, 4]),
        (0, [-1, 0]),
        (1, [3]),
        (1, [-2]),
        (-1, [0]),
        (-1, [5]),
        (2**62, [0]),
        (-(2**62), [0]),
        (0, [2**63 - 1]),
        (0, [-(2**63)]),
        (2**62, [2**63 - 1]),
        (-(2**62), [-(2**63)]),
    ],
)
def test_numbers_beyond_the_rows_are_refused(
    module: ModuleType, shift: int, numbers: list[int]
) -> None:
    """On either side, however far the shift leads, also where one of many is beyond."""
    for halved in (False, True):
        with pytest.raises(ValueError, match=GONE):
            module.sifted(ROWS, shift, numbers, QUESTION, ALL, halved)


def test_numbers_at_the_edge_are_read(module: ModuleType) -> None:
    """Those that the shift leads to the first and to the last row, and far away, too."""
    for shift in (0, 1, -1, -4, 2**62, -(2**62)):
        numbers = [-shift, 3 - shift]
        assert module.sifted(ROWS, shift, numbers, QUESTION, ALL, True) == numbers
    assert module.sifted(ROWS, 0, [], QUESTION, ALL, False) == []
    assert module.sifted(ROWS[:0], 0, [], QUESTION, ALL, False) == []


def test_a_shift_or_question_that_cant_be(module: ModuleType) -> None:
    """So far that sums would not fit, or of another length: refused, whichever the numbers."""
    for shift in (2**62 + 1, -(2**62) - 1, 2**63 - 1, -(2**63)):
        for numbers in ([1], []):
            with pytest.raises(ValueError, match="too far"):
                module.sifted(ROWS, shift, numbers, QUESTION, ALL, False)
    for shape in ((1, 7), (1, 9), (0, 8)):
        with pytest.raises(ValueError, match=LENGTH):
            module.sifted(ROWS, 0, [0], drawn(6, *shape), ALL, False)


def test_arrays_of_another_form_are_refused(module: ModuleType) -> None:
    """Other types, orders and shapes are never taken for rows: TypeError, and nothing is copied."""
    wrong = (ROWS.astype(np.float64), ROWS[:, ::2], np.asfortranarray(ROWS), ROWS[0], ROWS[None])
    for rows in wrong:
        with pytest.raises(TypeError):
            module.reaching(rows, 0, 1, OWNERS, QUESTION, ALL)
        with pytest.raises(TypeError):
            module.sifted(rows, 0, [0], QUESTION, ALL, False)
        with pytest.raises(TypeError):
            module.reaching(ROWS, 0, 1, OWNERS, rows, ALL)
        with pytest.raises(TypeError):
            module.sifted(ROWS, 0, [0], rows, ALL, False)
    for owners in (OWNERS.astype(np.int32), OWNERS.astype(np.uint64), OWNERS[::2], OWNERS[None]):
        with pytest.raises(TypeError):
            module.reaching(ROWS, 0, 1, owners, QUESTION, ALL)
    for first, end in ((-1, 1), (0, -1), (0.5, 1), (2**64, 1)):
        with pytest.raises(TypeError):
            module.reaching(ROWS, first, end, OWNERS, QUESTION, ALL)
    for number in (0.5, "0", None, 2**63):
        with pytest.raises(TypeError):
            module.sifted(ROWS, 0, [number], QUESTION, ALL, False)
