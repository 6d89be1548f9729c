"""Bytes flipped, files cut, numbers made up: found by verify, and never more than our errors."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.collection.snapshot import Snapshot, items
from mitame.collection.snapshot import snapshot as snapshot_module
from mitame.errors import CorruptCollection
from mitame.filters import parse
from mitame.storage import LocalDirectory
from tests.collection.snapshot.damaged import WHOLE, found, parts_with
from tests.collection.snapshot.planned import with_files

FLIPS = 600


def test_bytes_flipped_anywhere(tmp_path: Path) -> None:
    """In every file, at hundreds of places on the disk: each is found, none does more harm."""
    directory, rng = LocalDirectory(tmp_path), random.Random(0)
    for name, data in WHOLE.items():
        (tmp_path / name).write_bytes(data)
    assert found(directory) == []
    for turn in range(FLIPS):
        name = sorted(WHOLE)[turn % len(WHOLE)]
        flipped = bytearray(WHOLE[name])
        place = rng.randrange(len(flipped))
        flipped[place] ^= 1 << rng.randrange(8)
        (tmp_path / name).unlink()
        (tmp_path / name).write_bytes(flipped)
        problems = found(directory)
        assert any(name in text for text in problems), f"{name} at {place}: {problems}"
        (tmp_path / name).unlink()
        (tmp_path / name).write_bytes(WHOLE[name])


@pytest.mark.parametrize("name", ["lens-2-vectors.part", "column-1-values.part"])
def test_every_byte_of_a_part(name: str) -> None:
    """Header and payload have no byte that does not count."""
    for place in range(len(WHOLE[name])):
        flipped = bytearray(WHOLE[name])
        flipped[place] ^= 0x20
        assert any(name in text for text in found(with_files({**WHOLE, name: bytes(flipped)})))


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_file_cut_off_or_grown(name: str, tmp_path: Path) -> None:
    """Refused when it is opened, named, with what to run."""
    data = WHOLE[name]
    for other, content in WHOLE.items():
        (tmp_path / other).write_bytes(content)
    for length in {0, 1, 63, 64, len(data) // 2, len(data) - 1, len(data) + 1}:
        if length == len(data):
            continue
        (tmp_path / name).write_bytes((data + b"\0")[:length])
        with pytest.raises(CorruptCollection, match=name) as caught:
            Snapshot.open(LocalDirectory(tmp_path))
        assert "mitame" in caught.value.remedy
    (tmp_path / name).unlink()
    with pytest.raises(CorruptCollection, match=name):
        Snapshot.open(LocalDirectory(tmp_path))


def test_a_file_cut_off_while_it_is_open(tmp_path: Path) -> None:
    """Verify looks at the files as they are now, and does not read past their end."""
    for name, data in WHOLE.items():
        (tmp_path / name).write_bytes(data)
    snapshot = Snapshot.open(LocalDirectory(tmp_path))
    (tmp_path / "lens-1-vectors.part").write_bytes(b"")
    assert snapshot.verify() == [
        f"snapshot {tmp_path}: part lens-1-vectors.part has 0 of 144 bytes"
    ]


def test_a_column_cut_off_while_it_is_open(tmp_path: Path) -> None:
    """It is mapped when a filter first asks for it, and looked at then."""
    for name, data in WHOLE.items():
        (tmp_path / name).write_bytes(data)
    columns = Snapshot.open(LocalDirectory(tmp_path)).columns()
    (tmp_path / "column-1-codes.part").write_bytes(WHOLE["column-1-codes.part"][:80])
    with pytest.raises(CorruptCollection, match=r"column-1-codes\.part has 80 of 88 bytes"):
        columns.match(parse("price>1000"))


def test_a_column_of_endless_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not read into memory."""
    monkeypatch.setattr(items, "MAX_VALUES_BYTES", 10)
    columns = Snapshot.open(with_files(WHOLE)).columns().by_name
    with pytest.raises(CorruptCollection, match=r"column-0-values\.part has too many values"):
        columns["category"]


def _set(place: object, value: object) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array[place] = value
        return array

    return change


def _json(text: str) -> Any:
    return np.frombuffer(text.encode(), np.uint8)


@pytest.mark.parametrize(
    ("file", "change", "problem"),
    [
        ("items-alive.part", _set(1, 2), "items-alive.part has more than true and false"),
        ("items-alive.part", _set(2, 0), "another number of items"),
        ("items-id-offsets.part", _set(2, -1), "items-id-offsets.part is wrong about key 1"),
        ("items-id-offsets.part", _set(2, 2**62), "items-id-offsets.part is wrong about key 1"),
        ("items-id-offsets.part", _set(3, 1), "items-id-offsets.part is wrong about key 2"),
        ("items-id-offsets.part", _set(3, 6), "wrong about key 2, or the ids are damaged"),
        ("items-id-text.part", _set(0, 0xFF), "wrong about key 1"),
        ("items-id-text.part", _set(0, 7), "control characters"),
        ("column-0-codes.part", _set(1, 3), "column-0-codes.part has a code that is not below 3"),
        ("column-0-codes.part", _set(1, -1), "column-0-codes.part has a code"),
        ("column-0-codes.part", _set(3, 1), "values of items that are not there"),
        ("column-0-codes.part", _set(slice(0, 6), 0), "values that no item has"),
        ("column-0-values.part", _json("{}"), "column-0-values.part is no list of values"),
        ("column-0-values.part", _json('["mug"'), "is no list of values"),
        ("column-0-values.part", _json('["mug", NaN]'), "is no list of values"),
        ("column-0-values.part", _json('["mug", "mug"]'), "is no list of values"),
        ("column-0-values.part", _json('["mug", {}]'), "is no list of values"),
        ("column-0-values.part", _json('["mug", [1]]'), "is no list of values"),
        ("column-0-values.part", _json("[" * 100_000), "is no list of values"),
        ("column-0-values.part", _json("[" + "9" * 5_000 + "]"), "is no list of values"),
        ("column-0-values.part", _json('["mug"]'), "column-0-codes.part has a code"),
        ("lens-1-owners.part", _set(0, -1), "lens-1-owners.part has owners"),
        ("lens-1-owners.part", _set(0, 6), "lens-1-owners.part has owners"),
        ("lens-1-owners.part", _set(0, 3), "rows of items that are not there"),
        ("lens-1-rows.part", _set(1, 0), "lens-1-rows.part has rows"),
        ("lens-1-rows.part", _set(0, -1), "lens-1-rows.part has rows"),
        ("lens-1-rows.part", _set(4, 9), "lens-1-rows.part has rows"),
        ("lens-1-vectors.part", _set((1, 1), np.nan), "lens 'look': NaN or infinity in rows 0"),
        ("lens-1-vectors.part", _set((1, 1), 3), "lens 'look': a row of 0 to 4 is not normalised"),
    ],
)
def test_numbers_that_cannot_be_right(file: str, change: Any, problem: str) -> None:
    """With every checksum right: found by verify, and where it is used an error of ours."""
    assert any(problem in text for text in found(parts_with({file: change})))


def test_an_id_without_end() -> None:
    """Ids have 1,000 characters at most; what claims to be longer is not read."""
    changes = {
        "items-id-text.part": np.full(5_000, ord("a"), np.uint8),
        "items-id-offsets.part": np.array([0, 0, 4_001, 4_002, 4_002, 4_003, 5_000]),
    }
    assert "items-id-offsets.part is wrong about key 1" in found(parts_with(changes))[0]


def test_rows_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ascending within each block is not enough."""
    monkeypatch.setattr(snapshot_module, "_LOOKED_AT", 2)
    assert found(with_files(WHOLE)) == []
    damaged = parts_with({"lens-1-rows.part": np.array([2, 3, 0, 7, 8])})
    assert "lens-1-rows.part has rows" in found(damaged)[0]


def test_two_items_of_one_id() -> None:
    """Found."""
    changes = {
        "items-id-text.part": _json("aabb"),
        "items-id-offsets.part": np.array([0, 0, 1, 2, 2, 3, 4]),
    }
    assert found(parts_with(changes)) == [
        "snapshot 3: two items have the id 'a'",
        "snapshot 3: two items have the id 'b'",
    ]
