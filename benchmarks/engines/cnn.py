"""Vectors of real pictures and of crops of them, by mitame's own embedder.

    python -m benchmarks.engines.cnn --pictures FOLDER --to bench-out/cnn.npz

Each picture gives its whole and `--crops` random crops. The file says which picture a vector is of,
so that whole pictures can be held out: no crop of a query's picture is among the rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.embedders.protocol import Embedder
from mitame.errors import ImageError

SEED = 7
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_SIDES = (0.35, 0.8)
"""Side of a crop as a share of the picture's shorter side."""
_ASPECTS = (0.8, 1.25)
_LEAST_SIDE = 64
_SAME = 1e-6


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="folder, with subfolders")
    parser.add_argument("--to", type=Path, default=Path("bench-out/cnn.npz"))
    parser.add_argument("--crops", type=int, default=10)
    parser.add_argument("--limit", type=int, help="at most this many pictures")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.to.parent.mkdir(parents=True, exist_ok=True)
    files = pictures(options.pictures)[: options.limit]
    vectors, picture = embedded(files, options.crops, options.threads)
    np.savez(options.to, vectors=vectors, picture=picture)
    print(f"{len(vectors):,} vectors of {len(np.unique(picture)):,} pictures: {options.to}")


def pictures(folder: Path) -> list[Path]:
    """Every picture below a folder, in a seeded order that its place on the disk doesn't change."""
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    found.sort(key=lambda path: path.relative_to(folder).as_posix())
    order = np.random.default_rng(SEED).permutation(len(found))
    return [found[number] for number in order]


def embedded(
    files: Sequence[Path], crops: int, threads: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors float32[n, d], and the number of the picture of each, int64[n]."""
    from mitame.embedders.catalog import open_embedder

    embedder = open_embedder("efficientnet-lite0")
    vectors: list[NDArray[np.float32]] = []
    owners: list[NDArray[np.int64]] = []
    with ThreadPoolExecutor(threads) as pool:
        work = pool.map(lambda pair: _one(embedder, pair[0], pair[1], crops), enumerate(files))
        for number, found in enumerate(work):
            vectors.append(found)
            owners.append(np.full(len(found), number))
            if number % 500 == 499:
                print(f"{number + 1:,} of {len(files):,} pictures", flush=True)
    return np.concatenate(vectors), np.concatenate(owners)


def _one(embedder: Embedder, number: int, path: Path, crops: int) -> NDArray[np.float32]:
    """Vectors of a picture and its crops; none where it can't be read."""
    from mitame.images.decode import decode

    try:
        pixels = decode(path.read_bytes()).pixels
    except (ImageError, OSError) as error:
        print(f"{path.name}: {error}", flush=True)
        return np.empty((0, embedder.spec.dimension), np.float32)
    parts = [pixels, *cropped(pixels, crops, number)]
    return embedder.embed([embedder.prepare(part) for part in parts])


def cropped(pixels: NDArray[np.uint8], count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Seeded crops of uint8[h, w, 3], at least `_LEAST_SIDE` wide and high where that fits."""
    rng = np.random.default_rng([SEED, seed])
    height, width = pixels.shape[:2]
    for _ in range(count):
        side = rng.uniform(*_SIDES) * min(height, width)
        aspect = rng.uniform(*_ASPECTS)
        high = min(height, max(_LEAST_SIDE, round(side * aspect)))
        wide = min(width, max(_LEAST_SIDE, round(side / aspect)))
        top = int(rng.integers(0, height - high + 1))
        left = int(rng.integers(0, width - wide + 1))
        yield np.ascontiguousarray(pixels[top : top + high, left : left + wide])


def write(folder: Path, source: Path, queries: int) -> dict[str, Any]:
    """rows.npy and queries.npy from a file of `main`; whole pictures are held out.

    A vector that a held-out picture shares with a row (the same file twice) is no query.
    """
    with np.load(source, allow_pickle=False) as file:
        vectors, picture = file["vectors"], file["picture"]
    shuffled = np.random.default_rng(SEED).permutation(np.unique(picture))
    counts = np.bincount(picture)[shuffled]
    held = shuffled[: int(np.searchsorted(np.cumsum(counts), queries)) + 1]
    out = np.isin(picture, held)
    asked = vectors[out][:queries]
    rows = np.ascontiguousarray(vectors[~out])
    np.save(folder / "rows.npy", rows)
    np.save(folder / "queries.npy", asked[~_among(asked, rows)])
    return {"metric": "cosine", "source": "efficientnet-lite0 of pictures and crops of them"}


def _among(asked: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool[q]: some row is the same vector."""
    found = np.zeros(len(asked), np.bool_)
    for start in range(0, len(rows), 4_096):
        found |= (asked @ rows[start : start + 4_096].T).max(axis=1) > 1 - _SAME
    return found


if __name__ == "__main__":
    main()
