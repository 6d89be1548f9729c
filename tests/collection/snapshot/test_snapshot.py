"""What is written is read again: items, columns, rows and vectors."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitame.collection.columns import Column, Columns
from mitame.collection.snapshot import (
    LensPlan,
    Snapshot,
    SnapshotPlan,
    VectorType,
)
from mitame.collection.snapshot import items as items_module
from mitame.collection.snapshot.part import TYPES, Array, Part, map_part
from mitame.errors import UsageError
from mitame.filters import Filter, Match, parse
from mitame.storage import Directory, MemoryDirectory
from tests.collection.made import LOOK, spec
from tests.collection.snapshot.planned import (
    CREATED,
    Whole,
    build,
    builder,
    column,
    files,
    in_blocks,
    small,
)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.lists(st.text(max_size=3), max_size=3),
)


@st.composite
def wholes(draw: st.DrawFn) -> Whole:
    """Any small plan that agrees with itself, with its vectors."""
    alive = np.array(draw(st.lists(st.booleans(), min_size=1, max_size=12)))
    keys = np.flatnonzero(alive)
    names = draw(st.lists(st.text(max_size=6), max_size=3, unique=True))
    columns = {name: draw(_columns(alive)) for name in names}
    lenses, vectors = [], {}
    for key in draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=3, unique=True)):
        dimension = draw(st.integers(1, 5))
        rows = _ascending(draw(st.sets(st.integers(0, 50), max_size=9 if len(keys) else 0)))
        owners = np.array([draw(st.sampled_from(keys.tolist())) for _ in rows], np.int64)
        of = spec(dimension, "euclidean", f"made-{key}")
        lenses.append(LensPlan(key, f"lens-{key}", of, draw(st.integers(51, 99)), rows, owners))
        drawn = np.random.default_rng(key).normal(size=(len(rows), dimension))
        vectors[key] = drawn.astype(np.float32)
    ids = [f"{key} é" if is_alive else None for key, is_alive in enumerate(alive)]
    return Whole(SnapshotPlan(7, 2**50, alive, ids, columns, tuple(lenses)), vectors)


@st.composite
def _columns(draw: st.DrawFn, alive: NDArray[np.bool_]) -> Column:
    """A column with more values than items have, as after many patches."""
    made = column(draw(st.lists(VALUES, max_size=6)))
    codes = [draw(st.integers(0, made.count - 1)) if is_alive else 0 for is_alive in alive]
    return Column(np.array(codes, np.int32), made.values, made.count)


def _ascending(rows: set[int]) -> NDArray[np.int64]:
    return np.array(sorted(rows), np.int64)


def _meant(made: Column) -> list[object]:
    """What a column says, by key, whatever its codes are."""
    texts = [repr(value) for value in made.values.entries]
    return ["missing" if code == 0 else texts[code] for code in made.codes]


@settings(max_examples=150, deadline=None)
@given(wholes(), st.integers(1, 4))
def test_round_trip(whole: Whole, block: int) -> None:
    """Every field of every plan comes back, and nothing is found wrong."""
    directory, plan = MemoryDirectory(), whole.plan
    writing = builder(directory)
    writing.write_plan(plan)
    for key, vectors in whole.vectors.items():
        writing.write_vectors(key, in_blocks(vectors, block))
    writing.finish()
    snapshot = Snapshot.open(directory)
    assert (snapshot.generation, snapshot.position) == (plan.generation, plan.position)
    assert (snapshot.created, snapshot.keys) == (CREATED, len(plan.alive))
    assert snapshot.items == plan.alive.sum()
    assert [snapshot.id_of(key) for key in range(snapshot.keys)] == plan.ids
    columns = snapshot.columns()
    assert columns.position == plan.position
    assert columns.alive.tolist() == plan.alive.tolist()
    assert list(columns.by_name) == list(plan.columns)
    for name, made in plan.columns.items():
        assert _meant(columns.by_name[name]) == _meant(made)
    assert list(snapshot.lenses) == [lens.key for lens in plan.lenses]
    for lens in plan.lenses:
        _same_lens(snapshot, lens, whole.vectors[lens.key])
    assert snapshot.verify() == []


def _same_lens(snapshot: Snapshot, lens: LensPlan, vectors: NDArray[np.float32]) -> None:
    found = snapshot.lenses[lens.key]
    assert (found.key, found.name, found.log_rows) == (lens.key, lens.name, lens.log_rows)
    assert found.spec == lens.spec
    assert found.count == len(lens.rows)
    for array, wanted in (
        (found.rows, lens.rows),
        (found.owners, lens.owners),
        (found.vectors, vectors),
    ):
        assert array.dtype == wanted.dtype
        assert array.tobytes() == wanted.tobytes()
        assert not array.flags.writeable


@settings(max_examples=60, deadline=None)
@given(wholes(), st.data())
def test_filters_mean_the_same(whole: Whole, data: st.DataObject) -> None:
    """A filter over the snapshot's columns passes the very items that it passed before."""
    made = build(MemoryDirectory(), whole).columns()
    plan = whole.plan
    before = Columns(plan.position, plan.alive, plan.columns)
    for name in plan.columns:
        value = data.draw(st.one_of(st.integers(-2, 2), st.text(max_size=2), st.booleans()))
        where = Filter((Match(name, (value,)),), ())
        assert made.match(where).tolist() == before.match(where).tolist()


def test_values_that_nobody_has_are_left_out() -> None:
    """They would pile up from generation to generation."""
    whole = small()
    made = column(["a", "b", "c", "d", "e"])
    codes = np.array([0, 4, 2, 0, 2, 0], np.int32)
    plan = replace(whole.plan, columns={"kind": Column(codes, made.values, made.count)})
    found = build(MemoryDirectory(), Whole(plan, whole.vectors)).columns().by_name["kind"]
    assert found.values.entries[1:] == ["b", "d"]
    assert _meant(found) == ["missing", "'d'", "'b'", "missing", "'b'", "missing"]


def test_a_column_of_endless_values_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others keep their numbers; it can be made from the items."""
    monkeypatch.setattr(items_module, "MAX_VALUES_BYTES", 60)
    whole = small()
    columns = {"long": column([f"{n:020}" for n in range(5)]), **whole.plan.columns}
    snapshot = build(MemoryDirectory(), Whole(replace(whole.plan, columns=columns), whole.vectors))
    assert list(snapshot.columns().by_name) == ["category", "price", "../tags"]
    dear = snapshot.columns().match(parse("price>1000"))
    assert np.flatnonzero(dear).tolist() == [1, 4]
    assert snapshot.verify() == []


def test_float16() -> None:
    """Half the bytes, mapped as they are, and float32 where asked for."""
    whole = small()
    snapshot = build(MemoryDirectory(), whole, "float16")
    lens = snapshot.lenses[2]
    assert lens.vectors.dtype == np.float16
    assert lens.block(0, 2).dtype == np.float32
    assert lens.block(0, 2).tolist() == whole.vectors[2].tolist()  # eighths fit float16
    assert [len(block) for block in lens.blocks(12)] == [1, 1]
    assert snapshot.verify() == []


def test_float16_of_cosine_vectors_is_still_normalised_enough() -> None:
    """What float16 rounds away is not called damage."""
    whole, drawn = small(), np.random.default_rng(0).normal(size=(5, 4))
    unit = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    halved = Whole(whole.plan, {**whole.vectors, 1: unit})
    snapshot = build(MemoryDirectory(), halved, "float16")
    assert not np.array_equal(snapshot.lenses[1].block(0, 5), unit)
    assert np.allclose(snapshot.lenses[1].block(0, 5), unit, atol=5e-4)
    assert snapshot.verify() == []


def test_too_large_for_float16() -> None:
    """Refused, never turned into infinity."""
    writing = builder(MemoryDirectory(), "float16")
    writing.write_plan(small().plan)
    with pytest.raises(UsageError, match="'color' are too large for float16"):
        writing.write_vectors(2, [np.full((2, 3), 1e5, np.float32)])


def test_no_items_at_all() -> None:
    """An empty collection can be merged, too."""
    none = np.array([], np.int64)
    lens = LensPlan(1, LOOK.name, LOOK.spec, 0, none, none)
    plan = SnapshotPlan(1, 0, np.zeros(1, np.bool_), [None], {"category": column([])}, (lens,))
    snapshot = build(MemoryDirectory(), Whole(plan, {1: np.empty((0, 4), np.float32)}))
    assert snapshot.items == 0
    assert snapshot.lenses[1].vectors.shape == (0, 4)
    assert len(snapshot.lenses[1].rows) == len(snapshot.lenses[1].owners) == 0
    assert not list(snapshot.lenses[1].blocks())
    assert snapshot.verify() == []


def test_keys_that_are_not_in_it() -> None:
    """They have no id: items that came later have larger keys."""
    snapshot = build(MemoryDirectory(), small())
    assert [snapshot.id_of(key) for key in (-1, 0, 3, 6, 2**70)] == [None] * 5


def test_bytes_of_progress() -> None:
    """Reported as they are written, and again where they were there already."""
    directory, whole = MemoryDirectory(), small()
    writing = builder(directory)
    writing.write_plan(whole.plan)
    seen: list[int] = []
    for key, vectors in whole.vectors.items():
        writing.write_vectors(key, in_blocks(vectors), seen.append)
    assert seen == [32, 32, 16, 24]
    assert writing.vector_bytes == sum(seen)
    again = builder(directory)
    seen = []
    for key in whole.vectors:
        again.write_vectors(key, iter([]), seen.append)
    assert seen == [80, 24]


def test_its_bytes() -> None:
    """All parts, and verify reports as many."""
    directory = MemoryDirectory()
    snapshot = build(directory, small())
    parts = [data for name, data in files(directory).items() if name.endswith(".part")]
    seen: list[int] = []
    assert snapshot.verify(seen.append) == []
    assert snapshot.bytes == sum(map(len, parts)) == sum(seen)


def test_payloads_are_aligned() -> None:
    """64 bytes of header before each payload, so that a mapped one begins at a cache line."""
    directory, whole = MemoryDirectory(), small()
    build(directory, whole)
    content = files(directory)
    assert content["lens-1-vectors.part"][64:] == whole.vectors[1].astype("<f4").tobytes()
    assert content["lens-1-rows.part"][64:] == whole.plan.lenses[0].rows.astype("<i8").tobytes()
    for name, data in content.items():
        assert name == "manifest.json" or data.startswith(b"MITAPART\1\0\0\0")


def test_a_machine_of_the_other_endianness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stored numbers are not the machine's own, they come out as its own all the same."""
    for name, dtype in list(TYPES.items()):
        monkeypatch.setitem(TYPES, name, dtype.newbyteorder("S"))
    whole, directory = small(), MemoryDirectory()
    snapshot = build(directory, whole)
    assert files(directory)["lens-1-rows.part"][64:80] == bytes(15) + b"\2"
    for lens in whole.plan.lenses:
        _same_lens(snapshot, lens, whole.vectors[lens.key])
    assert snapshot.columns().by_name["price"].codes.dtype.isnative
    assert snapshot.verify() == []


def test_many_threads_share_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once, so that what is added to its values is added for all."""

    def slow(directory: Directory, part: Part) -> Array:
        time.sleep(0.01)
        return map_part(directory, part)

    monkeypatch.setattr(items_module, "map_part", slow)
    columns = build(MemoryDirectory(), small()).columns().by_name
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(columns["category"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(made) for made in found}) == 1


def test_the_types_are_told() -> None:
    """Both that there are, by name."""
    kinds: list[VectorType] = ["float32", "float16"]
    for kind in kinds:
        assert build(MemoryDirectory(), small(), kind).manifest.dtype == kind
