"""Parts that are made from the vectors: written together, gone on with, never missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mitame.collection.snapshot import (
    OptionalParts,
    Snapshot,
    SnapshotBuilder,
    as_json,
    from_json,
)
from mitame.errors import CorruptCollection, UsageError
from mitame.storage import Directory, LocalDirectory, MemoryDirectory
from mitame.testing.faults import Effect, Faults, FaultyDirectory, PowerCut, Unsynced
from tests.collection.snapshot.planned import builder, files, in_blocks, small, with_files

LISTS = np.arange(12, dtype=np.int32).reshape(6, 2)
CODES = np.arange(9, dtype=np.uint8)


def _filled(begun: SnapshotBuilder) -> None:
    """Plan and vectors are there, as a merge has them before its steps."""
    whole = small()
    if begun.planned is None:
        begun.write_plan(whole.plan)
    for key, vectors in whole.vectors.items():
        begun.write_vectors(key, in_blocks(vectors))


def _derive(begun: SnapshotBuilder) -> None:
    """What a step of a merge does: it keeps what is whole and writes the rest."""
    parts = OptionalParts(begun, 1, "index")
    if "about.json" not in parts.read():
        parts.drop()
        parts.write({"codes": CODES, "about.json": as_json({"n": 1})})
    table = OptionalParts(begun, 2, "neighbors")
    if "lists" not in table.read():
        table.write_blocks("lists", "int32", LISTS.shape, [LISTS[:4], LISTS[4:]])


def _go_on(begun: SnapshotBuilder) -> None:
    _filled(begun)
    _derive(begun)
    begun.finish()


def _built(directory: Directory) -> Snapshot:
    _go_on(builder(directory))
    return Snapshot.open(directory)


def test_what_is_written_is_read_back() -> None:
    """By lens, kind and name; others have nothing; verify reads them."""
    snapshot = _built(MemoryDirectory())
    found = snapshot.lenses[1].optional("index")
    assert sorted(found) == ["about.json", "codes"]
    assert np.array_equal(found["codes"], CODES)
    assert not found["codes"].flags.writeable
    assert from_json(found["about.json"], "it") == {"n": 1}
    assert np.array_equal(snapshot.lenses[2].optional("neighbors")["lists"], LISTS)
    assert snapshot.lenses[2].optional("index") == {}
    assert snapshot.lenses[1].optional("neighbors") == {}
    assert snapshot.verify() == []


def test_writing_again_replaces() -> None:
    """And dropping leaves nothing of them behind."""
    directory = MemoryDirectory()
    begun = builder(directory)
    _filled(begun)
    parts = OptionalParts(begun, 1, "index")
    parts.write({"codes": CODES})
    parts.write({"codes": CODES[:3]})
    assert len(parts.read()["codes"]) == 3
    parts.drop()
    assert parts.read() == {}
    assert not [name for name in directory.names() if "index" in name]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("../codes", CODES),
        ("Codes", CODES),
        ("", CODES),
        ("x" * 41, CODES),
        ("codes.txt", CODES),
        ("codes", CODES.astype(np.float64)),
        ("codes", CODES.reshape(3, 3, 1)),
        ("codes", np.array(1, np.int64)),
    ],
)
def test_a_part_that_cant_be_one(
    name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    """Its name, type or shape is refused before anything is written."""
    begun = builder(MemoryDirectory())
    _filled(begun)
    with pytest.raises(UsageError):
        OptionalParts(begun, 1, "index").write({name: array})


@pytest.mark.parametrize("blocks", [[LISTS[:4]], [LISTS, LISTS[:1]], [LISTS[:, :1]], [CODES]])
def test_blocks_that_are_not_as_announced(
    blocks: list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]],
) -> None:
    """Too few, too many, of another shape or type."""
    begun = builder(MemoryDirectory())
    _filled(begun)
    parts = OptionalParts(begun, 1, "index")
    with pytest.raises(UsageError):
        parts.write_blocks("lists", "int32", LISTS.shape, blocks)
    assert parts.read() == {}


def test_a_description_that_is_none() -> None:
    """Whatever lies there is a typed error."""
    for bad in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(CorruptCollection):
            from_json(np.frombuffer(bad, np.uint8), "it")
    with pytest.raises(UsageError):
        as_json({"x": float("nan")})


def test_vectors_are_mapped_once_they_are_written() -> None:
    """A step sees what readers will see; before that there is nothing."""
    begun, whole = builder(MemoryDirectory()), small()
    begun.write_plan(whole.plan)
    with pytest.raises(UsageError, match="no vectors yet"):
        begun.vectors(1)
    begun.write_vectors(1, in_blocks(whole.vectors[1]))
    assert np.array_equal(begun.vectors(1), whole.vectors[1])
    with pytest.raises(UsageError):
        begun.vectors(7)


TURNS: list[tuple[Effect, Unsynced, Unsynced]] = [
    ("none", "dropped", "dropped"),
    ("start", "kept", "kept"),
    ("garbage", "random", "random"),
]


@pytest.mark.parametrize(("effect", "unsynced_bytes", "unsynced_names"), TURNS)
def test_a_power_cut_at_every_call(
    tmp_path: Path, effect: Effect, unsynced_bytes: Unsynced, unsynced_names: Unsynced
) -> None:
    """Going on ends in the same bytes, wherever the steps were cut."""
    wanted = MemoryDirectory()
    _built(wanted)
    (tmp_path / "rehearsed").mkdir()
    faults = Faults()
    rehearsed = FaultyDirectory(tmp_path / "rehearsed", faults)
    _filled(builder(rehearsed))
    first = len(faults.calls)
    _go_on(builder(rehearsed))
    for at in range(first + 1, len(faults.calls) + 1):
        before, after = tmp_path / f"{at}", tmp_path / f"{at}-after"
        before.mkdir()
        faulty = FaultyDirectory(before, Faults(cut_at=at, effect=effect))
        with pytest.raises(PowerCut):
            _go_on(builder(faulty))
        faulty.durable_copy(
            after, unsynced_bytes=unsynced_bytes, unsynced_names=unsynced_names, seed=at
        )
        directory = LocalDirectory(after)
        if directory.exists("manifest.json"):
            assert Snapshot.open(directory).verify() == []
        _go_on(builder(directory))
        assert files(directory) == files(wanted), faults.calls[at - 1]


def test_damage_while_building_is_made_good() -> None:
    """A part that an interrupted build has left damaged is not used; plan and vectors are."""
    directory = MemoryDirectory()
    begun = builder(directory)
    _filled(begun)
    _derive(begun)
    content = files(directory)
    content["lens-1-index-codes.part"] = content["lens-1-index-codes.part"][:-1] + b"\x99"
    again = builder(with_files(content))
    planned = again.planned
    assert planned is not None
    assert not planned.missing
    assert OptionalParts(again, 1, "index").read() == {}
    assert OptionalParts(again, 2, "neighbors").read() == {}


def test_damage_afterwards_harms_nothing_else() -> None:
    """Missing, short or flipped: the snapshot opens with its vectors, verify names the part."""
    directory = MemoryDirectory()
    _built(directory)
    whole, name = files(directory), "lens-1-index-codes.part"
    for damage in (b"", whole[name][:-1], whole[name][:70] + b"\x99" + whole[name][71:]):
        content = {**whole, name: damage}
        if not damage:
            del content[name]
        snapshot = Snapshot.open(with_files(content))
        assert np.array_equal(snapshot.lenses[1].block(0, 5), small().vectors[1])
        assert any(name in text for text in snapshot.verify())
        assert snapshot.verify(optional=False) == []
        if len(damage) != len(whole[name]):
            with pytest.raises(CorruptCollection, match=name):
                snapshot.lenses[1].optional("index")
