"""A build that was interrupted anywhere is gone on with, and ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mitame.collection.snapshot import Snapshot
from mitame.errors import MitameError, StorageError, UsageError
from mitame.storage import LocalDirectory, MemoryDirectory
from mitame.testing.faults import Effect, Faults, FaultyDirectory, PowerCut, Unsynced
from tests.collection.snapshot.planned import (
    Whole,
    build,
    builder,
    files,
    go_on,
    in_blocks,
    small,
    with_files,
)

TURNS: list[tuple[Effect, Unsynced, Unsynced]] = [
    ("none", "dropped", "dropped"),
    ("whole", "dropped", "kept"),
    ("start", "kept", "kept"),
    ("garbage", "random", "random"),
]
"""What the call that is cut still does, and what becomes of unsynced bytes and names."""


def _uninterrupted() -> dict[str, bytes]:
    directory = MemoryDirectory()
    build(directory, small())
    return files(directory)


def _calls(tmp_path: Path) -> list[str]:
    """What an uninterrupted build asks of its directory."""
    (tmp_path / "rehearsed").mkdir()
    faults = Faults()
    go_on(builder(FaultyDirectory(tmp_path / "rehearsed", faults)), small())
    return faults.calls


@pytest.mark.parametrize(("effect", "unsynced_bytes", "unsynced_names"), TURNS)
def test_a_power_cut_at_every_call(
    tmp_path: Path, effect: Effect, unsynced_bytes: Unsynced, unsynced_names: Unsynced
) -> None:
    """The disk then shows no snapshot yet, or the whole; going on ends in the same bytes."""
    wanted, calls = _uninterrupted(), _calls(tmp_path)
    assert len(calls) > 60
    for at in range(1, len(calls) + 1):
        before, after = tmp_path / f"{at}", tmp_path / f"{at}-after"
        before.mkdir()
        faulty = FaultyDirectory(before, Faults(cut_at=at, effect=effect))
        with pytest.raises(PowerCut):
            go_on(builder(faulty), small())
        faulty.durable_copy(
            after, unsynced_bytes=unsynced_bytes, unsynced_names=unsynced_names, seed=at
        )
        directory = LocalDirectory(after)
        if directory.exists("manifest.json"):
            assert Snapshot.open(directory).verify() == []
        go_on(builder(directory), small())
        assert files(directory) == wanted, calls[at - 1]


def test_an_error_at_every_call(tmp_path: Path) -> None:
    """A disk that fails once: a typed error, and both the same builder and a new one can go on."""
    wanted, calls = _uninterrupted(), _calls(tmp_path)
    for at in range(1, len(calls) + 1):
        (tmp_path / f"{at}").mkdir()
        directory = FaultyDirectory(tmp_path / f"{at}", Faults(fail_at=at))
        begun = builder(directory)
        with pytest.raises(StorageError, match="planned"):
            go_on(begun, small())
        go_on(begun if at % 2 else builder(directory), small())
        assert files(directory) == wanted, calls[at - 1]


def test_a_plan_that_broke_off_is_none(tmp_path: Path) -> None:
    """Nor is the one before it, to the builder that knew that one."""
    directory = FaultyDirectory(tmp_path)
    begun = builder(directory)
    go_on(begun, small())
    directory.faults.fail_at = len(directory.faults.calls) + 30
    with pytest.raises(StorageError, match="planned"):
        begun.write_plan(small(4).plan)
    with pytest.raises(UsageError, match="no plan yet"):
        begun.finish()


def test_a_full_disk(tmp_path: Path) -> None:
    """Whatever fits: a typed error; with more room the build goes on."""
    for room in range(0, 1200, 90):
        (tmp_path / f"{room}").mkdir()
        faults = Faults(full_after=room)
        directory = FaultyDirectory(tmp_path / f"{room}", faults)
        with pytest.raises(StorageError, match="no space"):
            go_on(builder(directory), small())
        faults.full_after = None
        assert build(directory, small()).verify() == []


def test_what_is_finished_is_not_done_again() -> None:
    """The plan and the first lens are used as they lie there; the plan tells what is left."""
    directory, whole = MemoryDirectory(), small()
    first = builder(directory)
    first.write_plan(whole.plan)
    first.write_vectors(1, in_blocks(whole.vectors[1]))
    again = builder(directory)
    planned = again.planned
    assert planned is not None
    assert (planned.generation, planned.position, planned.items) == (3, 41, 4)
    assert planned.missing == {2}
    for lens, wanted in zip(planned.lenses, whole.plan.lenses, strict=True):
        assert (lens.key, lens.name, lens.spec) == (wanted.key, wanted.name, wanted.spec)
        assert lens.log_rows == wanted.log_rows
        assert lens.rows.tolist() == wanted.rows.tolist()
        assert lens.owners.tolist() == wanted.owners.tolist()
    again.write_vectors(1, _untouched())
    again.write_vectors(2, in_blocks(whole.vectors[2]))
    again.finish()
    assert files(directory) == _uninterrupted()


def _untouched() -> Iterator[NDArray[np.float32]]:
    raise AssertionError("vectors that are there already were asked for")
    yield


def test_vectors_that_broke_off_are_written_anew() -> None:
    """Half a part counts for nothing."""
    directory, whole = MemoryDirectory(), small()
    first = builder(directory)
    first.write_plan(whole.plan)

    def broken() -> Iterator[NDArray[np.float32]]:
        yield whole.vectors[1][:2]
        raise StorageError("gone")

    with pytest.raises(StorageError, match="gone"):
        first.write_vectors(1, broken())
    assert "lens-1-vectors.part" in directory.names()
    again = builder(directory)
    assert again.planned is not None
    assert again.planned.missing == {1, 2}
    go_on(again, whole)
    assert files(directory) == _uninterrupted()


def test_a_finished_build_is_finished() -> None:
    """Killed between the manifest and the rename: nothing is missing, nothing changes."""
    directory = MemoryDirectory()
    build(directory, small())
    again = builder(directory)
    assert again.planned is not None
    assert again.planned.missing == frozenset()
    go_on(again, small())
    assert files(directory) == _uninterrupted()


@pytest.mark.parametrize("file", sorted(_uninterrupted()))
def test_damage_in_what_was_left(file: str) -> None:
    """A flipped byte in a finished part: only that is done anew, or all where it is the plan's."""
    content = _uninterrupted()
    for place in (3, 70, len(content[file]) - 1):
        if place >= len(content[file]):
            continue
        flipped = bytearray(content[file])
        flipped[place] ^= 16
        directory = with_files({**content, file: bytes(flipped)})
        planned = builder(directory).planned
        if "vectors" in file:
            assert planned is not None
            assert planned.missing == {int(file[5])}
        else:
            assert planned is None
        go_on(builder(directory), small())
        assert files(directory) == content


def test_another_type_begins_anew() -> None:
    """A build in float32 is of no use to one in float16."""
    directory = MemoryDirectory()
    builder(directory).write_plan(small().plan)
    assert builder(directory, "float16").planned is None
    assert build(directory, small(), "float16").manifest.dtype == "float16"


def test_another_plan_leaves_nothing_behind() -> None:
    """Fewer columns and lenses: what an older plan had more is gone, strangers too."""
    directory, whole = MemoryDirectory(), small()
    build(directory, whole)
    directory.replace("stranger", b"x")
    directory.child("folder").replace("inner", b"x")
    plan = whole.plan
    fewer = type(plan)(9, 50, plan.alive, plan.ids, {}, plan.lenses[:1])
    writing = builder(directory)
    writing.write_plan(fewer)
    go_on(writing, Whole(fewer, {1: whole.vectors[1]}))
    snapshot = Snapshot.open(directory)
    assert snapshot.generation == 9
    assert set(directory.names()) == {"manifest.json", *snapshot.manifest.parts}
    assert snapshot.verify() == []


def test_a_manifest_of_a_newer_mitame_is_not_gone_on_with() -> None:
    """The build begins anew, in today's format."""
    directory = MemoryDirectory()
    build(directory, small())
    data = directory.read("manifest.json", limit=1 << 20)
    directory.replace("manifest.json", data.replace(b'"format": 1', b'"format": 2'))
    assert builder(directory).planned is None
    with pytest.raises(MitameError):
        Snapshot.open(directory)
    assert build(directory, small()).verify() == []
