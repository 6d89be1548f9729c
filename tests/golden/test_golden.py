"""Files of every format there ever was open for ever and say what they said."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mitame.collection import Item, ItemImage, Put, Remove, Store, View, open_store
from mitame.collection.snapshot import Snapshot, VectorType
from mitame.filters import parse
from mitame.storage import LocalDirectory, MemoryDirectory
from tests.golden.make_snapshot_1 import TYPES, build, told

HERE = Path(__file__).parent
QUERIES = {"look": [1, 0, 0, 0], "color": [1, 2, 3]}


def _unpacked(name: str, where: Path) -> Path:
    with tarfile.open(HERE / f"{name}.tar.gz") as tar:
        tar.extractall(where, filter="data")
    return where / name


def _told(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dtype", TYPES)
def test_snapshot_1(dtype: VectorType, tmp_path: Path) -> None:
    """Opens, is whole, and says what was written down when it was made."""
    snapshot = Snapshot.open(LocalDirectory(_unpacked("snapshot-1", tmp_path) / dtype))
    assert told(snapshot) == _told("snapshot-1")[dtype]
    assert snapshot.lenses[1].vectors.dtype == np.dtype(dtype)
    assert snapshot.verify() == []


@pytest.mark.parametrize("dtype", TYPES)
def test_snapshot_1_is_what_is_written_today(dtype: VectorType, tmp_path: Path) -> None:
    """The same parts, byte for byte: who changes the format must give it another number."""
    golden = LocalDirectory(_unpacked("snapshot-1", tmp_path) / dtype)
    today = MemoryDirectory()
    build(today, dtype)
    assert today.names() == golden.names()
    for name in golden.names():
        if name.endswith(".part"):
            assert today.read(name, limit=1 << 20) == golden.read(name, limit=1 << 20), name


@pytest.fixture
def collection_1(tmp_path: Path) -> Path:
    """A collection of format 1, as it was before there were snapshots."""
    return _unpacked("collection-1", tmp_path)


def _items(view: View) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "category": item.category,
            "attributes": dict(item.attributes),
            "images": [_image(image) for image in item.images],
            "vectors": {name: view.vectors(item.id, name).tolist() for name in view.lenses},
        }
        for item in view.items()
    ]


def _image(image: ItemImage) -> list[object]:
    size = [image.size, image.modified_ns, image.width, image.height]
    return [image.content_hash, image.source, *size, image.format]


def _check_answers(view: View, wanted: Any) -> None:
    for text, ids in wanted["filters"].items():
        assert [item.id for item in view.items(parse(text))] == ids
    for name, answer in wanted["answers"].items():
        query = np.array([answer["query"]], np.float32)
        found = view.index(name).search(query, 5, allow=view.allow(name))
        records = view.records(name, found.ids[0].tolist())
        assert [record.id for record in records] == answer["ids"]
        assert np.allclose(found.distances[0], answer["distances"], atol=1e-6)


def test_collection_1(collection_1: Path) -> None:
    """Items, images, vectors, filters and answers are what they were; nothing is wrong with it."""
    wanted = _told("collection-1")
    with open_store(collection_1) as store:
        with store.pin() as view:
            fingerprints = {name: lens.spec.fingerprint for name, lens in view.lenses.items()}
            assert fingerprints == wanted["lenses"]
            assert view.position == wanted["position"]
            assert _items(view) == wanted["items"]
            _check_answers(view, wanted)
        assert store.check() == []


def test_collection_1_is_written_to(collection_1: Path) -> None:
    """What is added and removed now is there when it is opened again, beside what was there."""
    wanted = _told("collection-1")["items"]
    vectors = {name: np.array(query, np.float32) for name, query in QUERIES.items()}
    with open_store(collection_1) as store:
        store.append([Put(Item("new", images=(ItemImage(vectors),))), Remove("hat-3")])
        assert _kept(store, wanted)
    with open_store(collection_1) as store:
        assert _kept(store, wanted)
        assert store.check() == []


def _kept(store: Store, wanted: list[dict[str, Any]]) -> bool:
    with store.pin() as view:
        assert view.get("hat-3") is None
        for name, query in QUERIES.items():
            found = view.index(name).search(
                np.array([query], np.float32), 1, allow=view.allow(name)
            )
            assert view.records(name, found.ids[0].tolist())[0].id in ("new", "bare")
        items = {item["id"]: item for item in _items(view)}
    return all(items[old["id"]] == old for old in wanted if old["id"] != "hat-3")
