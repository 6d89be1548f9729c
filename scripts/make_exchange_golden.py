"""Make tests/golden/exchange: small index files by annoy, faiss and hnswlib, with their vectors.

Needs annoy 1.17.3, faiss-cpu, hnswlib, numpy and a C++ compiler, in an environment of their own:

    pip install annoy==1.17.3 faiss-cpu==1.15.1 hnswlib==0.8.0
    pip download --no-deps --no-binary annoy annoy==1.17.3 && tar xzf annoy-1.17.3.tar.gz
    python scripts/make_exchange_golden.py annoy-1.17.3/src

Beside each ``NAME.EXT`` stands ``NAME.npy``, float32 or float64[n, dim], as the library itself
gives the vectors back, and ``NAME.ids.npy``, int64[n].
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TARGET = Path(__file__).parent.parent / "tests" / "golden" / "exchange"
DIMENSION = 6
COUNT = 40
HOLES = (3, 17)
"""Item numbers that are never added to the annoy files."""

# Annoy's Python only knows float32; gannoy's files were AnnoyIndex<int32_t, double>.
FLOAT64 = """
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "kissrandom.h"
#include "annoylib.h"

template <typename Metric>
int build(int dimension, const char* path) {
  Annoy::AnnoyIndex<int32_t, double, Metric, Annoy::Kiss64Random,
                    Annoy::AnnoyIndexSingleThreadedBuildPolicy> index(dimension);
  int item;
  std::vector<double> vector(dimension);
  while (std::scanf("%d", &item) == 1) {
    for (double& x : vector)
      if (std::scanf("%lf", &x) != 1) return 1;
    index.add_item(item, vector.data());
  }
  return index.build(3, 1) && index.save(path) ? 0 : 1;
}

int main(int, char** words) {
  const int dimension = std::atoi(words[2]);
  switch (words[1][0]) {
    case 'a': return build<Annoy::Angular>(dimension, words[3]);
    case 'e': return build<Annoy::Euclidean>(dimension, words[3]);
    case 'm': return build<Annoy::Manhattan>(dimension, words[3]);
    default: return build<Annoy::DotProduct>(dimension, words[3]);
  }
}
"""


def drawn(seed: int) -> NDArray[np.float32]:
    """float32[COUNT, DIMENSION] of different lengths."""
    random = np.random.default_rng(seed)
    return random.normal(size=(COUNT, DIMENSION)).astype(np.float32) * 3


def expect(name: str, vectors: NDArray[Any], ids: list[int]) -> None:
    """Write what a reader must give."""
    np.save(TARGET / f"{name}.npy", vectors)
    np.save(TARGET / f"{name}.ids.npy", np.array(ids, np.int64))


def write_annoy() -> None:
    """One file per metric, in float32, by annoy itself."""
    annoy = importlib.import_module("annoy")

    ids = [i for i in range(COUNT) if i not in HOLES]
    for seed, metric in enumerate(("angular", "euclidean", "manhattan", "dot")):
        vectors = drawn(seed)
        index = annoy.AnnoyIndex(DIMENSION, metric)
        index.set_seed(1)
        for i in ids:
            index.add_item(i, vectors[i].tolist())
        index.build(3, n_jobs=1)
        name = f"annoy-{metric}-float32"
        index.save(str(TARGET / f"{name}.ann"))
        kept = [index.get_item_vector(i) for i in ids]
        expect(name, np.array(kept, np.float32), ids)


def write_annoy_float64(headers: Path) -> None:
    """One file per metric, in float64, by a program that is built from annoy's header."""
    ids = [i for i in range(COUNT) if i not in HOLES]
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "build.cpp"), Path(folder, "build")
        source.write_text(FLOAT64)
        subprocess.run(
            ["g++", "-O1", "-std=c++14", f"-I{headers}", source, "-o", program], check=True
        )
        for seed, metric in enumerate(("angular", "euclidean", "manhattan", "dot"), 10):
            vectors = np.random.default_rng(seed).normal(size=(COUNT, DIMENSION)) * 3
            lines = [f"{i} {' '.join(map(repr, vectors[i].tolist()))}" for i in ids]
            name = f"annoy-{metric}-float64"
            subprocess.run(
                [program, metric, str(DIMENSION), TARGET / f"{name}.ann"],
                input="\n".join(lines),
                text=True,
                check=True,
            )
            expect(name, vectors[ids], ids)


def write_faiss() -> None:
    """Every kind of index that is read, and one that is not."""
    faiss = importlib.import_module("faiss")

    inner_product = faiss.METRIC_INNER_PRODUCT
    kinds: dict[str, tuple[str, int]] = {
        "flat-l2": ("Flat", faiss.METRIC_L2),
        "flat-ip": ("Flat", inner_product),
        "flat-l1": ("Flat", faiss.METRIC_L1),
        "idmap": ("IDMap,Flat", inner_product),
        "idmap2": ("IDMap2,Flat", faiss.METRIC_L2),
        "ivf": ("IVF4,Flat", faiss.METRIC_L2),
        "ivf-sparse": ("IVF32,Flat", inner_product),
        "idmap-ivf": ("IDMap,IVF4,Flat", faiss.METRIC_L2),
        "hnsw": ("HNSW4,Flat", faiss.METRIC_L2),
        "idmap-hnsw": ("IDMap,HNSW4,Flat", faiss.METRIC_L2),
    }
    for seed, (name, (recipe, metric)) in enumerate(kinds.items(), 20):
        vectors = drawn(seed)
        index = faiss.index_factory(DIMENSION, recipe, metric)
        index.train(vectors)
        if name == "ivf-sparse":  # more than half of the lists stay empty
            vectors = vectors[:8]
        if name in ("ivf", "ivf-sparse"):
            ids = [int(i) * 11 - 5 for i in range(len(vectors))]
        elif name.startswith("idmap"):
            ids = [int(i) * 7 + 2**40 for i in range(len(vectors))]
        else:
            ids = list(range(len(vectors)))
        own = ids == list(range(len(vectors)))
        index.add(vectors) if own else index.add_with_ids(vectors, np.array(ids, np.int64))
        faiss.write_index(index, str(TARGET / f"faiss-{name}.faiss"))
        expect(f"faiss-{name}", _reconstructed(faiss, index, ids, own), ids)
    pq = faiss.index_factory(DIMENSION, "SQ8")
    pq.train(drawn(40))
    pq.add(drawn(40))
    faiss.write_index(pq, str(TARGET / "unsupported-sq8.faiss"))


def _reconstructed(faiss: Any, index: Any, ids: list[int], own: bool) -> NDArray[np.float32]:
    """The vectors as faiss gives them back."""
    if isinstance(index, faiss.IndexIVF):
        index.set_direct_map_type(faiss.DirectMap.Hashtable)
        return np.array([index.reconstruct(i) for i in ids], np.float32)
    inner = index if own else faiss.downcast_index(index.index)
    if isinstance(inner, faiss.IndexIVF):
        inner.make_direct_map()
    vectors: NDArray[np.float32] = inner.reconstruct_n(0, len(ids))
    return vectors


def write_hnswlib() -> None:
    """One file per space; two elements of each are marked as deleted."""
    hnswlib = importlib.import_module("hnswlib")

    for seed, space in enumerate(("l2", "ip", "cosine"), 50):
        vectors = drawn(seed)
        labels = [i * 3 + 2**33 for i in range(COUNT)]
        index = hnswlib.Index(space, DIMENSION)
        index.init_index(COUNT + 5, M=3, random_seed=1)
        index.add_items(vectors, labels, num_threads=1)
        kept = [label for i, label in enumerate(labels) if i not in (5, 6)]
        expect(f"hnswlib-{space}", np.array(index.get_items(kept), np.float32), kept)
        index.mark_deleted(labels[5])
        index.mark_deleted(labels[6])
        index.save_index(str(TARGET / f"hnswlib-{space}.hnsw"))


def main(headers: str) -> None:
    """Write everything anew."""
    TARGET.mkdir(parents=True, exist_ok=True)
    steps: list[Callable[[], None]] = [write_annoy, write_faiss, write_hnswlib]
    for step in steps:
        step()
    write_annoy_float64(Path(headers))
    files = sorted(TARGET.iterdir())
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files)} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
