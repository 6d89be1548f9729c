"""Snapshots and root manifests that are damaged: named, never merged, left by a rollback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mitame.collection import (
    Lens,
    Store,
    open_store,
)
from mitame.errors import CorruptCollection, NewerFormat
from tests.collection.made import image, put, spec


def test_damage_is_not_merged(store: Store) -> None:
    """Neither a damaged snapshot nor a damaged log gets into the next one; both are named."""
    store.append([put("a", image(1)), put("b", image(2))])
    store.merge()
    store.append([put("c", image(3))])
    _flip(store.path / "log" / "1-000000000000.f32", 2 * 16 + 3)
    with pytest.raises(CorruptCollection, match=r"'look': rows 2 to 2 of 1-0+\.f32"):
        store.merge()
    _flip(store.path / "log" / "1-000000000000.f32", 2 * 16 + 3)
    part = store.path / "snapshots" / "000001" / "lens-1-vectors.part"
    _flip(part, -3)
    with pytest.raises(CorruptCollection, match=r"lens-1-vectors\.part"):
        store.merge()
    assert any("generation 1" in text and part.name in text for text in store.check())
    _flip(part, -3)
    assert store.merge() == 2


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_snapshot_that_cannot_be_opened_is_left_by_a_rollback(store: Store) -> None:
    """Opening goes, asking says what to run, and the older generation answers."""
    store.append([put("a", image(1))])
    store.merge()
    store.append([put("b", image(2))])
    store.merge()
    store.close()
    (store.path / "snapshots" / "000002" / "items-alive.part").unlink()
    with open_store(store.path) as again:
        with pytest.raises(CorruptCollection, match=r"items-alive\.part") as caught, again.pin():
            pass
        assert "mitame rollback" in caught.value.remedy
        assert [info.problem is None for info in again.generations()] == [True, False]
        again.rollback(1)
        with again.pin() as view:
            assert (view.generation, view.count()) == (1, 2)
        assert any("generation 2" in text for text in again.check())
        assert again.merge() == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 300, None])
def test_a_damaged_root_manifest(store: Store, content: bytes | None) -> None:
    """Emptied, foreign or gone, after a merge: a typed error, never another generation."""
    store.append([put("a")])
    store.merge(keep=1)
    store.close()
    file = store.path / "manifest.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with open_store(store.path) as again, pytest.raises(CorruptCollection), again.pin():
        pass


def test_a_newer_root_manifest(store: Store) -> None:
    """Is not guessed at."""
    from mitame.collection.snapshot import seal

    content = seal({"format": 3, "generation": 0})
    assert json.loads(content)["format"] == 3
    (store.path / "manifest.json").write_bytes(content)
    with pytest.raises(NewerFormat, match="format 3"), store.pin():
        pass


def test_lens_of_another_spec_in_the_snapshot(store: Store) -> None:
    """A database and a snapshot that don't belong together are not mixed."""
    store.append([put("a")])
    store.merge()
    other = Lens("look", spec(4, name="other"))
    with store._writer._turn:
        connection, _ = store._writer._open()
        connection.execute(
            "UPDATE lenses SET spec = ?, fingerprint = ? WHERE key = 1",
            (other.spec.to_json(), other.spec.fingerprint),
        )
    with (
        open_store(store.path) as again,
        again.pin() as view,
        pytest.raises(CorruptCollection, match="another spec"),
    ):
        view.index("look")
