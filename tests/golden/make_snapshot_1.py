"""Makes ``snapshot-1.tar.gz``, two snapshots of format 1, and ``snapshot-1.json``, their content.

They were made when the format was new, and stay as they are: a later format gets files of its own.

    python -m tests.golden.make_snapshot_1
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any, get_args

import numpy as np

from mitame.collection.columns import Column, Values
from mitame.collection.snapshot import (
    LensPlan,
    Snapshot,
    SnapshotBuilder,
    SnapshotPlan,
    VectorType,
)
from mitame.embedders.protocol import EmbedderSpec
from mitame.storage import Directory, MemoryDirectory

HERE = Path(__file__).parent
TYPES: tuple[VectorType, ...] = get_args(VectorType)
IDS = [None, "mug-1", "湯呑み", None, "7", "hats/red.jpg", "bare"]


def plan() -> SnapshotPlan:
    """Seven keys with five items, three columns, two lenses."""
    alive = np.array([item_id is not None for item_id in IDS])
    columns = {
        "category": _column("mug", "茶碗", 0, None, "hat", None),
        "price": _column(1200, 990.5, 0, 2**60, -3, True),
        "tags": _column(["blue", "small"], [], 0, 0, "blue", ["ü"]),
    }
    look = EmbedderSpec("made", "ab" * 32, (8, 8), {"mean": [0.5, 0.25]}, 4, opened_by="made")
    color = EmbedderSpec("vectors", "", (0, 0), {}, 3, "euclidean", "Apache-2.0", 0.9, 0.4)
    lenses = (
        LensPlan(1, "look", look, 12, np.array([0, 1, 4, 9, 11]), np.array([1, 1, 2, 4, 5])),
        LensPlan(4, "color-2", color, 5, np.array([1, 2, 4]), np.array([2, 5, 6])),
    )
    return SnapshotPlan(12, 3456, alive, IDS, columns, lenses)


def vectors(lens: LensPlan) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Axes of length 1 for ``look``, eighths for the other: both fit float16."""
    if lens.spec.distance == "cosine":
        return np.roll(np.eye(5, 4, dtype=np.float32), 1, axis=1) * np.float32(-1)
    return (np.arange(9, dtype=np.float32) / np.float32(8) - np.float32(0.5)).reshape(3, 3)


def _column(*values: object) -> Column:
    """The n-th value for key n + 1; the number 0 stands for none."""
    made = Values()
    codes = [0, *(0 if type(value) is int and value == 0 else made.code(value) for value in values)]
    return Column(np.array(codes, np.int32), made, len(made.entries))


def build(directory: Directory, dtype: VectorType) -> None:
    """Write the snapshot as today's code does."""
    builder = SnapshotBuilder(directory, dtype=dtype, clock=lambda: 1_764_000_000)
    builder.write_plan(plan())
    for lens in plan().lenses:
        builder.write_vectors(lens.key, [vectors(lens)])
    builder.finish()


def told(snapshot: Snapshot) -> dict[str, Any]:
    """All that a snapshot says, as JSON."""
    columns = snapshot.columns()
    return {
        "generation": snapshot.generation,
        "position": snapshot.position,
        "created": snapshot.created,
        "items": snapshot.items,
        "ids": [snapshot.id_of(key) for key in range(snapshot.keys)],
        "alive": columns.alive.tolist(),
        "columns": {name: _values(columns.by_name[name]) for name in columns.by_name},
        "lenses": [
            {
                "key": lens.key,
                "name": lens.name,
                "fingerprint": lens.spec.fingerprint,
                "same_at": lens.spec.same_at,
                "opened_by": lens.spec.opened_by,
                "log_rows": lens.log_rows,
                "rows": lens.rows.tolist(),
                "owners": lens.owners.tolist(),
                "vectors": lens.block(0, lens.count).tolist(),
            }
            for lens in snapshot.lenses.values()
        ],
    }


def _values(column: Column) -> list[list[object]]:
    """For each key nothing, or its one value."""
    return [[] if code == 0 else [column.values.entries[code]] for code in column.codes.tolist()]


def main() -> None:
    """Write both files."""
    raw = io.BytesIO()
    content: dict[str, Any] = {}
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for dtype in TYPES:
            directory = MemoryDirectory()
            build(directory, dtype)
            content[dtype] = told(Snapshot.open(directory))
            for name in directory.names():
                data = directory.read(name, limit=1 << 20)
                entry = tarfile.TarInfo(f"snapshot-1/{dtype}/{name}")
                entry.size, entry.mode = len(data), 0o644
                tar.addfile(entry, io.BytesIO(data))
    (HERE / "snapshot-1.tar.gz").write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (HERE / "snapshot-1.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
