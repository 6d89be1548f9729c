"""Every set by name, prepared under bench-out/data: made once, never part of the project.

fashion     Fashion-MNIST, 60,000 x 784, Euclidean; needs --data
cnn         pictures and crops of them by our embedder, 1,280, cosine; needs --cnn
glove       words, about 331,000 x 100, cosine; needs npm or --glove
synthetic   --rows x --dimension, cosine
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import cnn, glove, synthetic
from benchmarks.engines.dataset import Make, Missing, prepared

FASHION = Path("fashion-mnist/fashion-mnist-784.npz")
QUICK_ROWS = 3_000
QUICK_QUERIES = 200


@dataclass(frozen=True)
class Places:
    """Where data is found and kept.

    Attributes:
        cache: folder of prepared sets.
        data: folder with Fashion-MNIST and pictures, or None.
        cnn: file of `benchmarks.engines.cnn`, or None.
        glove: archive of the npm package, or None.
    """

    cache: Path
    data: Path | None = None
    cnn: Path | None = None
    glove: Path | None = None


@dataclass(frozen=True)
class Size:
    """How much of a set.

    Attributes:
        rows: of the synthetic set; at most so many of the others, 0 for all.
        queries: how many are asked.
        dimension: of the synthetic set.
    """

    rows: int = 0
    queries: int = 2_000
    dimension: int = 256


def prepare(name: str, places: Places, size: Size) -> Path:
    """The folder of a set; made now if it wasn't before.

    Raises:
        Missing: what it is made from is not here.
    """
    makers: dict[str, Callable[[Places, Size], Make]] = {
        "fashion": _fashion,
        "cnn": _cnn,
        "glove": _glove,
        "synthetic": _synthetic,
    }
    if name not in makers:
        raise Missing(f"no set {name!r}: it is one of {', '.join(makers)}")
    return prepared(places.cache / _label(name, size), _shortened(makers[name](places, size), size))


def _label(name: str, size: Size) -> str:
    if name == "synthetic":
        return f"{name}-{size.rows or 100_000}x{size.dimension}-q{size.queries}"
    short = f"-{size.rows}" if size.rows else ""
    return f"{name}{short}-q{size.queries}"


def _shortened(make: Make, size: Size) -> Make:
    """The same, cut to at most `size.rows` rows (the synthetic set is made so already)."""

    def write(folder: Path) -> dict[str, Any]:
        about = make(folder)
        rows = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
        if size.rows and size.rows < len(rows):
            # A seeded choice: the first rows of a file may be all of one kind.
            chosen = np.random.default_rng(0).choice(len(rows), size.rows, replace=False)
            few = np.array(rows[np.sort(chosen)])
            np.save(folder / "rows.npy", few)
        return about

    return write


def _fashion(places: Places, size: Size) -> Make:
    file = (places.data or Path()) / FASHION
    if places.data is None or not file.is_file():
        raise Missing(f"fashion: give a folder that has {FASHION} with --data")

    def write(folder: Path) -> dict[str, Any]:
        with np.load(file, allow_pickle=False) as pixels:
            np.save(folder / "rows.npy", pixels["train"].astype(np.float32))
            np.save(folder / "queries.npy", pixels["test"][: size.queries].astype(np.float32))
        return {"metric": "euclidean", "source": "Fashion-MNIST, pixels"}

    return write


def _cnn(places: Places, size: Size) -> Make:
    source = places.cnn or places.cache.parent / "cnn.npz"
    if not source.is_file():
        raise Missing(
            "cnn: give its file with --cnn; make it with: "
            "python -m benchmarks.engines.cnn --pictures FOLDER --to bench-out/cnn.npz"
        )
    return lambda folder: cnn.write(folder, source, size.queries)


def _glove(places: Places, size: Size) -> Make:
    if places.glove is not None and not places.glove.is_file():
        raise Missing(f"glove: {places.glove} is not there")
    return lambda folder: glove.write(folder, size.queries, places.glove)


def _synthetic(places: Places, size: Size) -> Make:  # noqa: ARG001 (as the other makers)
    shape = synthetic.Shape(size.rows or 100_000, size.dimension)
    return lambda folder: synthetic.write(folder, shape, size.queries)
