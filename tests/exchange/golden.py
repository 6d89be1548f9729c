"""The files that real libraries wrote, with what they said is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.exchange import Rows, read

FOLDER = Path(__file__).parent.parent / "golden" / "exchange"
DIMENSION = 6
METRICS = ("angular", "euclidean", "manhattan", "dot")
ANNOY = sorted(FOLDER.glob("annoy-*.ann"))
FAISS = sorted(FOLDER.glob("faiss-*.faiss"))
HNSWLIB = sorted(FOLDER.glob("hnswlib-*.hnsw"))
ALL = [*ANNOY, *FAISS, *HNSWLIB]


@dataclass(frozen=True)
class Expected:
    """What the library itself gave back: float32[n, dim], and the ids."""

    vectors: NDArray[np.float32]
    ids: list[str]

    def by_id(self) -> dict[str, bytes]:
        """Vectors as bytes, which compare bit by bit."""
        return {name: v.tobytes() for name, v in zip(self.ids, self.vectors, strict=True)}


def expected(path: Path) -> Expected:
    """For one of the files."""
    vectors = np.load(path.with_suffix(".npy")).astype(np.float32)
    return Expected(vectors, list(map(str, np.load(path.with_suffix(".ids.npy")))))


def options(path: Path) -> dict[str, Any]:
    """What must be told to read it: annoy files tell neither dimension nor metric."""
    if path.suffix != ".ann":
        return {}
    return {"dimension": DIMENSION, "metric": path.name.split("-")[1]}


def read_golden(path: Path, **more: Any) -> Rows:
    """The file, with what it needs."""
    return read(path, **{**options(path), **more})


def by_id(rows: Rows) -> dict[str, bytes]:
    """All rows; an id in two of them would show."""
    found: dict[str, bytes] = {}
    for row in rows:
        assert row.id not in found
        assert row.vector is not None
        assert row.vector.dtype == np.float32
        found[row.id] = row.vector.tobytes()
    return found
