"""Makes ``map-1.tar.gz``: the parts of a map, of format 1, in a snapshot.

Made when the format was new, and stays as it is: a later format gets a file of its own.

    python -m tests.golden.make_map_1
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np

from mitame.collection.map_part import ABOUT, ITEMS, KIND, PLACES, MapFacts
from mitame.collection.snapshot import OptionalParts, SnapshotBuilder
from mitame.engines.protocol import Parts
from mitame.storage import Directory, MemoryDirectory
from tests.golden.make_snapshot_1 import plan, vectors

HERE = Path(__file__).parent
FACTS = MapFacts(15, 200, 3, 0.25, 4, 1.5)
KEYS = np.array([1, 2, 4, 5], np.int32)
PLACED = np.array([[-1.5, 2.0], [0.25, 0.0], [8.0, -3.75], [1e-3, 1e3]], np.float32)


def build(directory: Directory) -> None:
    """Write the snapshot as today's code does: lens 1 has a map, the other says why not."""
    builder = SnapshotBuilder(directory, clock=lambda: 1_764_000_000)
    builder.write_plan(plan())
    for lens in plan().lenses:
        builder.write_vectors(lens.key, [vectors(lens)])
    parts: Parts = {ITEMS: KEYS, PLACES: PLACED, ABOUT: FACTS.to_part()}
    OptionalParts(builder, 1, KIND).write(parts)
    OptionalParts(builder, 4, KIND).write({ABOUT: MapFacts(0, note="too few").to_part()})
    builder.finish()


def main() -> None:
    """Write the file."""
    raw, directory = io.BytesIO(), MemoryDirectory()
    build(directory)
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in directory.names():
            data = directory.read(name, limit=1 << 20)
            entry = tarfile.TarInfo(f"map-1/{name}")
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    (HERE / "map-1.tar.gz").write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))


if __name__ == "__main__":
    main()
