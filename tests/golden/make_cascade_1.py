"""Makes ``cascade-1-*.npz`` and ``cascade-1.json``: indexes of the cascade, format 1.

They stay as they were made: what came to the format later has files of its own. Only kinds that
have no file yet are made: "tails" and "residuals" are of the time when tails were a part of their
own, "behind" has them behind its nodes.

    python -m tests.golden.make_cascade_1
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from mitame.distances import Distance, normalise
from mitame.engines.cascade import frame, shape
from mitame.engines.cascade.engine import CascadeEngine
from mitame.engines.cascade.parts import cascade_of, read_parts
from mitame.engines.protocol import Parts

HERE = Path(__file__).parent
K = 5
NARROW = (2, 3, 8, 5, 5, 3)
"""A plan by which the codes decide what is found."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """What an index is built over, and how."""

    rows: int
    dimension: int
    distance: Distance
    degree: int
    residuals: bool = False


KINDS = {
    "edges": Kind(120, 20, "euclidean", 4),
    "tails": Kind(80, 400, "cosine", 0),
    "product": Kind(80, 12, "inner_product", 0),
    "bare": Kind(120, 40, "euclidean", 0),
    "residuals": Kind(80, 400, "euclidean", 4, residuals=True),
    "behind": Kind(80, 400, "cosine", 4, residuals=True),
}


def numbers(rows: int, columns: int, seed: int) -> Floats:
    """float32[rows, columns] from -4 to 4: a mixture of whole numbers, the same everywhere."""
    at = np.arange(rows * columns, dtype=np.uint64) + np.uint64(seed << 32)
    with np.errstate(over="ignore"):  # the finaliser of SplitMix64 (Steele et al. 2014, figure 14)
        at = (at ^ at >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        at = (at ^ at >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    levels = (at >> np.uint64(54)).astype(np.float32)
    return (levels / np.float32(128) - np.float32(4)).reshape(rows, columns)


def rows_of(kind: Kind) -> Floats:
    """The rows that an index was built over; they are not stored."""
    spread = np.arange(kind.dimension, 0, -1, dtype=np.float32) / np.float32(kind.dimension)
    if kind.dimension > 336:
        spread[:] = 1  # energy in the tails
    groups = numbers(8, kind.dimension, 1)[np.arange(kind.rows) % 8]
    found = (numbers(kind.rows, kind.dimension, 2) + groups) * spread
    return normalise(found) if kind.distance == "cosine" else found


def _own_axes(sample: Floats) -> tuple[Floats, Floats, Floats]:
    """The coordinates as they are, with the same energy each: so that tails matter, and files are
    small."""
    dimension = sample.shape[1]
    shares = np.full(dimension, 1 / dimension, np.float32)
    return sample.mean(axis=0), np.eye(dimension, dtype=np.float32), shares


def exact(rows: Floats, queries: Floats, distance: Distance) -> tuple[list[Any], list[Any]]:
    """The nearest rows by brute force: ids and distances."""
    index = CascadeEngine().open(rows, distance, {})
    found = index.search(queries, K)
    return found.ids.tolist(), found.distances.astype(float).round(6).tolist()


def narrow(rows: Floats, kind: Kind, parts: Parts) -> NDArray[np.int64]:
    """What a narrow plan finds for points between rows: int64[20, 3]."""
    between = rows[:20] * np.float32(0.625) + rows[20:40] * np.float32(0.375)
    between = normalise(between) if kind.distance == "cosine" else between
    stored = read_parts(rows, kind.distance, parts)
    assert stored is not None
    ids, away = np.empty((20, 3), np.int64), np.empty((20, 3), np.float32)
    cascade_of(rows, stored).search(between, ids, away, *NARROW, None, 1)
    return ids


def main() -> None:
    """Entry point."""
    known = HERE / "cascade-1.json"
    told = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    for name, kind in KINDS.items():
        if name in told:
            continue
        rows = rows_of(kind)
        with (
            mock.patch.object(frame, "axes_of", _own_axes),
            mock.patch.object(shape, "spares_rows", return_value=kind.residuals),
        ):
            index = CascadeEngine().build(rows, kind.distance, lists=16, degree=kind.degree)
        parts: dict[str, Any] = dict(index.save())
        np.savez_compressed(HERE / f"cascade-1-{name}.npz", **parts)
        ids, distances = exact(rows, rows[:8], kind.distance)
        told[name] = {
            "ids": ids,
            "distances": distances,
            "narrow": narrow(rows, kind, parts).tolist(),
        }
    text = json.dumps(told, indent=1)
    known.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
