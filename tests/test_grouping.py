"""Union and find over arrays, against one pair after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitame.grouping import Groups


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(
                st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20),
                max_size=5,
            ),
        )
    )
)
def test_groups(case: tuple[int, list[list[tuple[int, int]]]]) -> None:
    """Whatever the pairs and however they are dealt out: the components of the graph."""
    count, batches = case
    groups = Groups(count)
    expected = [{n} for n in range(count)]
    for batch in batches:
        pairs = np.array(batch, np.int64).reshape(-1, 2)
        groups.join(pairs[:, 0], pairs[:, 1])
        for one, other in batch:
            both = expected[one] | expected[other]
            for member in both:
                expected[member] = both
    found = [group.tolist() for group in groups.members(1)]
    assert found == [list(each) for each in sorted({tuple(sorted(each)) for each in expected})]
    assert [len(each) for each in groups.members()] == [
        len(each) for each in found if len(each) > 1
    ]


def test_a_long_chain() -> None:
    """A hundred thousand in a row are one group, joined from either end at once."""
    groups = Groups(100_000)
    order = np.arange(100_000)
    groups.join(order[:-1], order[1:])
    groups.join(order[1:][::-1], order[:-1][::-1])
    assert [len(each) for each in groups.members()] == [100_000]


def test_none() -> None:
    """No numbers, no groups."""
    assert Groups(0).members() == []
