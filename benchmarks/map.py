"""The map that a merge lays out beside the principal axes: what both keep, and what it costs.

    python -m benchmarks.map --data shared/fashion-mnist-784.npz --rows 10000

Without data, seeded clusters stand in. The neighbours that are to be kept are the true ones.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.distances import normalise
from mitame.engines.catalog import find
from mitame.projection.fuzzy_graph import FuzzyGraph
from mitame.projection.layout import epochs_for, laid_out, started
from mitame.projection.principal import Principal, drawn
from mitame.projection.trust import drawn as sampled
from mitame.projection.trust import kept, trustworthiness

NEIGHBORS = 15
SAMPLE = 500


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="an .npz whose `train` is uint8[n, dimension]")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=64, help="of clusters")
    options = parser.parse_args()
    if options.data:
        vectors = normalise(np.load(options.data)["train"][: options.rows].astype(np.float32))
    else:
        vectors = clusters(options.rows, options.dimension)
    report(vectors)


def clusters(rows: int, dimension: int) -> NDArray[np.float32]:
    """Cosine vectors in groups of about a hundred, which lie in groups themselves."""
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(20, dimension))
    fine = coarse[rng.integers(0, 20, max(1, rows // 100))]
    fine = fine + rng.normal(0, 0.5, fine.shape)
    made = fine[rng.integers(0, len(fine), rows)]
    return normalise((made + rng.normal(0, 0.3, made.shape)).astype(np.float32))


def report(vectors: NDArray[np.float32]) -> None:
    """A line for each way."""
    count = len(vectors)
    lists, distances = neighbors_of(vectors)
    begun = time.process_time()
    plane = Principal.of(vectors[drawn(count)])
    places = plane.project(vectors)
    line("principal", vectors, places, lists, time.process_time() - begun)
    begun = time.process_time()
    graph = FuzzyGraph.of(lists, distances)
    found = laid_out(graph, started(graph, places), epochs_for(count))
    line("layout", vectors, found, lists, time.process_time() - begun)


def neighbors_of(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The true nearest of each, itself left out."""
    index = find("exact").open(vectors, "cosine", {})
    lists = np.empty((len(vectors), NEIGHBORS), np.int64)
    distances = np.empty((len(vectors), NEIGHBORS), np.float32)
    for start in range(0, len(vectors), 1_024):
        found = index.search(vectors[start : start + 1_024], NEIGHBORS + 1)
        for q, (ids, away) in enumerate(zip(found.ids, found.distances, strict=True)):
            others = np.flatnonzero(ids != start + q)[:NEIGHBORS]
            lists[start + q], distances[start + q] = ids[others], away[others]
    return lists, distances


def line(
    method: str,
    vectors: NDArray[np.float32],
    places: NDArray[np.float32],
    lists: NDArray[np.int64],
    seconds: float,
) -> None:
    """Print what a map keeps."""
    asked = sampled(len(vectors), SAMPLE)
    share = kept(places, asked, lists[asked])
    trusted = trustworthiness(vectors, places, most=SAMPLE)
    print(
        f"{method:9} {len(vectors):9,} x {vectors.shape[1]}: trustworthiness {trusted:.3f},"
        f" {share:.1%} of neighbours kept, {seconds:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
