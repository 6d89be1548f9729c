"""A small snapshot on which damage is done, and everything that can be asked of it then."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mitame.collection.snapshot import Snapshot, seal
from mitame.collection.snapshot.manifest import Manifest
from mitame.collection.snapshot.part import HEADER_BYTES, TYPES, write
from mitame.errors import MitameError
from mitame.filters import parse
from mitame.storage import Directory, MemoryDirectory
from tests.collection.snapshot.planned import build, files, small, with_files

FILTERS = [parse("category=mug"), parse("price>1000"), parse("price!=1200")]


def _built() -> dict[str, bytes]:
    directory = MemoryDirectory()
    build(directory, small())
    return files(directory)


WHOLE = _built()


def use(directory: Directory) -> list[str]:
    """Everything that can be asked of a snapshot; then what verify says."""
    snapshot = Snapshot.open(directory)
    for ask in (_ids, _columns, _rows, _owners, _vectors):
        with contextlib.suppress(MitameError):
            ask(snapshot)
    return snapshot.verify()


def _ids(snapshot: Snapshot) -> None:
    for key in range(-1, snapshot.keys + 1):
        snapshot.id_of(key)


def _columns(snapshot: Snapshot) -> None:
    columns = snapshot.columns()
    for where in FILTERS:
        if where.keys <= columns.by_name.keys():
            columns.match(where)
    for name in columns.by_name:
        assert len(columns.by_name[name].codes) == snapshot.keys


def _rows(snapshot: Snapshot) -> None:
    for lens in snapshot.lenses.values():
        np.zeros(lens.log_rows)[lens.rows].sum()


def _owners(snapshot: Snapshot) -> None:
    for lens in snapshot.lenses.values():
        np.zeros(snapshot.keys)[lens.owners].sum()


def _vectors(snapshot: Snapshot) -> None:
    for lens in snapshot.lenses.values():
        assert [block.dtype for block in lens.blocks()] == [np.float32] * min(lens.count, 1)


def found(directory: Directory) -> list[str]:
    """What is wrong, whether opening says it or verify."""
    try:
        return use(directory)
    except MitameError as error:
        return [error.message]


def parts_with(changes: dict[str, Any]) -> MemoryDirectory:
    """The snapshot with other contents of some parts, every checksum made right again.

    What a part is given is its array, or a function from the old one to the new.
    """
    directory = with_files(WHOLE)
    manifest = Manifest.from_bytes(WHOLE["manifest.json"], "test")
    for file, change in changes.items():
        part = manifest.parts[file]
        stored = np.frombuffer(WHOLE[file], TYPES[part.dtype], offset=HEADER_BYTES)
        array = change(stored.reshape(part.shape).copy()) if callable(change) else change
        new = replace(part, shape=array.shape)
        new = replace(new, sha256=write(directory, new, [array], lambda _: None))
        manifest = manifest.with_part(new)
    directory.replace("manifest.json", manifest.to_bytes())
    return directory


def manifest_with(change: Callable[[dict[str, Any]], object]) -> MemoryDirectory:
    """The snapshot with a manifest that was changed and sealed again."""
    content = json.loads(WHOLE["manifest.json"])
    del content["checksum"]
    change(content)
    return with_files({**WHOLE, "manifest.json": seal(content)})


def put(*path: str | int, value: object) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        inner: Any = content
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return change
