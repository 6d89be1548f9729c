"""The kernels that tell which new rows may be near: the same as NumPy, and strict."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame import native

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif("avx2" not in native.usable(), reason="needs kernels to compare"),
]
KERNELS = [name for name in native.usable() if name != native.NUMPY]


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


def test_what_is_not_there_is_not_read() -> None:
    """Rows past the end, other widths, no question: ValueError; other types: TypeError."""
    module = native.module()
    assert module is not None
    rows, owners, question = drawn(5, 4, 8), np.zeros(4, np.int64), drawn(6, 1, 8)
    for first, end, owned, asked in (
        (0, 5, owners, question),
        (3, 2, owners, question),
        (0, 4, owners[:3], question),
        (0, 4, owners, drawn(6, 1, 7)),
        (0, 4, owners, drawn(6, 0, 8)),
    ):
        with pytest.raises(ValueError, match=r"rows"):
            module.reaching(rows, first, end, owned, asked, 0.0)
    for shift, numbers in ((0, [4]), (1, [3]), (-1, [0]), (0, [-1]), (2**62, [0]), (-(2**62), [0])):
        with pytest.raises(ValueError, match="rows"):
            module.sifted(rows, shift, numbers, question, 0.0, False)
    with pytest.raises(ValueError, match="too far"):
        module.sifted(rows, 2**63 - 1, [1], question, 0.0, False)
    with pytest.raises(TypeError):
        module.reaching(rows.astype(np.float64), 0, 4, owners, question, 0.0)
