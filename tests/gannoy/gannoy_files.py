"""gannoy's own files, written from their description: no code is shared with the reader."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path


def node(
    key: int,
    vector: Sequence[float],
    *,
    trees: int = 2,
    free: bool = False,
    descendants: int = 1,
) -> bytes:
    """One node of a .tree file."""
    head = struct.pack(">?ii", free, descendants, key)
    links = struct.pack(f">{trees}i2i", *range(trees), 0, 0)
    return head + links + struct.pack(f">{len(vector)}d", *vector)


def database(folder: Path, name: str, nodes: Iterable[bytes], *, dim: int, trees: int = 2) -> Path:
    """A database's two files; the path of its .meta file."""
    meta = folder / f"{name}.meta"
    meta.write_bytes(struct.pack(f">3i{trees}i", trees, dim, 2 * dim, *([-1] * trees)))
    (folder / f"{name}.tree").write_bytes(b"".join(nodes))
    return meta
