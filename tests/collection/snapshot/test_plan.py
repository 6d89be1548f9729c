"""Plans and vectors that can't become a snapshot are refused before there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.collection.snapshot import MAX_COLUMNS, LensPlan, SnapshotBuilder, SnapshotPlan
from mitame.errors import CorruptCollection, UsageError
from mitame.storage import MemoryDirectory
from tests.collection.snapshot.planned import build, builder, column, small


def _plan(**changes: Any) -> SnapshotPlan:
    return replace(small().plan, **changes)


def _lens(**changes: Any) -> tuple[LensPlan, ...]:
    look, color = small().plan.lenses
    return (replace(look, **changes), color)


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (_plan(generation=0), "generation"),
        (_plan(generation=10**6), "generation"),
        (_plan(position=-1), "position"),
        (_plan(alive=np.zeros(0, np.bool_), ids=[]), "keys"),
        (_plan(ids=["x"]), "ids"),
        (_plan(ids=[None] * 6), "id None"),
        (_plan(ids=[None, "", "b", None, "c", "d"]), "id ''"),
        (_plan(ids=[None, "\ud800", "b", None, "c", "d"]), "half a character"),
        (_plan(columns={str(n): column([None] * 5) for n in range(MAX_COLUMNS + 1)}), "columns"),
        (_plan(columns={"a": column([])}), "column's length"),
        (_plan(lenses=()), "lenses"),
        (_plan(lenses=_lens() + _lens()), "keys"),
        (_plan(lenses=_lens(rows=np.array([0, 2, 2, 7, 8]))), "lens 'look'"),
        (_plan(lenses=_lens(rows=np.array([0, 2, 3, 7, 9]))), "lens 'look'"),
        (_plan(lenses=_lens(rows=np.array([-1, 2, 3, 7, 8]))), "lens 'look'"),
        (_plan(lenses=_lens(rows=np.array([0]))), "lens 'look'"),
        (_plan(lenses=_lens(owners=np.array([1, 1, 2, 4, 6]))), "lens 'look'"),
        (_plan(lenses=_lens(owners=np.array([1, 1, 3, 4, 5]))), "lens 'look'"),
        (_plan(lenses=_lens(owners=np.array([1, 1, -1, 4, 5]))), "lens 'look'"),
    ],
)
def test_a_plan_that_contradicts_itself(plan: SnapshotPlan, what: str) -> None:
    """Refused with what is wrong, and no snapshot comes of it."""
    directory = MemoryDirectory()
    with pytest.raises(UsageError, match=what):
        builder(directory).write_plan(plan)
    assert builder(directory).planned is None


def test_a_value_that_no_attribute_can_have() -> None:
    """Only a damaged database has it."""
    with pytest.raises(CorruptCollection, match="a value of 'price'"):
        builder(MemoryDirectory()).write_plan(
            _plan(columns={"price": column([1.0, float("nan"), None, None, None])})
        )


@pytest.mark.parametrize(
    ("blocks", "what"),
    [
        ([np.zeros((1, 3), np.float32)], "1 rows short"),
        ([np.zeros((3, 3), np.float32)], "not as planned"),
        ([np.zeros((2, 3), np.float32), np.zeros((1, 3), np.float32)], "not as planned"),
        ([np.zeros((2, 4), np.float32)], "not as planned"),
        ([np.zeros(6, np.float32)], "not as planned"),
    ],
)
def test_vectors_that_are_not_as_planned(blocks: list[NDArray[np.float32]], what: str) -> None:
    """Refused, and the snapshot can't be finished with them; the right ones still can be given."""
    whole, directory = small(), MemoryDirectory()
    writing = builder(directory)
    writing.write_plan(whole.plan)
    writing.write_vectors(1, [whole.vectors[1]])
    with pytest.raises(UsageError, match=what):
        writing.write_vectors(2, blocks)
    with pytest.raises(UsageError, match="missing of 1 lenses"):
        writing.finish()
    assert build(directory, whole).verify() == []


def test_steps_out_of_order() -> None:
    """Each says what has to come first."""
    steps: list[Callable[[SnapshotBuilder], object]] = [
        lambda begun: begun.write_vectors(1, []),
        lambda begun: begun.finish(),
        lambda begun: begun.vector_bytes,
    ]
    for step in steps:
        with pytest.raises(UsageError, match="no plan yet"):
            step(builder(MemoryDirectory()))
    writing = builder(MemoryDirectory())
    writing.write_plan(small().plan)
    with pytest.raises(UsageError, match="no lens with key 9"):
        writing.write_vectors(9, [])
    with pytest.raises(UsageError, match="float64"):
        SnapshotBuilder(MemoryDirectory(), dtype="float64")  # type: ignore[arg-type] # the mistake
