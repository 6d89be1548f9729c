"""What votes are worth: engine `sanny` over inner engines, parts and settings, with recall.

Reproduces what its design claims: that the union of what the parts find holds the true
neighbours, and that the first rows by votes hold nearly all of them where as many rows of the
union at random hold few. Recall is of ten, by distances, so that ties count. Times are of this
process on one query per call, in CPU seconds; compare them within one run only, and set
OPENBLAS_NUM_THREADS=1: threads of the linear algebra library that wait burn CPU seconds, too.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mitame.distances import DISTANCES
from mitame.engines.catalog import find
from mitame.engines.sanny import SannyEngine
from mitame.engines.sanny_index import SannyIndex
from mitame.engines.sanny_votes import elect
from mitame.errors import MissingExtra
from mitame.neighbors import Neighbors

Rows = NDArray[np.float32]
Row = dict[str, Any]

K = 10
SEED = 0
FIRST = 20
"""So many by votes are compared with so many at random."""


def main() -> None:
    """Entry point."""
    options = _options()
    rows, queries = data(options)
    true = find("exact").build(rows, options.distance).search(queries, K)
    print(f"{len(rows):,} x {rows.shape[1]}, {options.distance}, {len(queries)} queries, k={K}")
    found: list[Row] = []
    for row in measured(rows, queries, true, options):
        found.append(row)
        print(line(row), flush=True)
    if options.json:
        text = "".join(json.dumps(row) + "\n" for row in found)
        options.json.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help=".npz with arrays train and test, or vectors")
    parser.add_argument("--distance", choices=DISTANCES, default="euclidean")
    parser.add_argument("--rows", type=int, default=60_000, help="of the data, at most")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--inner", nargs="+", default=["exact", "annoy", "ngt", "hnsw"])
    parser.add_argument("--parts", nargs="+", type=int, default=[4, 8])
    parser.add_argument("--top", nargs="+", type=int, default=[50, 200])
    parser.add_argument("--json", type=Path, help="where JSON rows go")
    return parser.parse_args()


def data(options: argparse.Namespace) -> tuple[Rows, Rows]:
    """Rows and queries: of the file, or made: clumps in which few directions vary most."""
    rng = np.random.default_rng(SEED)
    if options.data is None:
        both = synthetic(options.rows + options.queries, 128, rng)
        return both[options.queries :], both[: options.queries]
    with np.load(options.data, allow_pickle=False) as arrays:
        if "test" in arrays:
            rows, queries = arrays["train"], arrays["test"]
        else:
            both = arrays["vectors"][rng.permutation(len(arrays["vectors"]))]
            rows, queries = both[options.queries :], both[: options.queries]
    queries = queries[: options.queries].astype(np.float32)
    return rows[: options.rows].astype(np.float32), queries


def synthetic(count: int, dimension: int, rng: np.random.Generator) -> Rows:
    """float32[count, dimension] around 200 centres, mixed so that every column tells something."""
    spread = (1 + np.arange(dimension)) ** -0.7
    centres = rng.normal(size=(200, dimension)) * spread
    rows = (
        centres[rng.integers(200, size=count)] + 0.4 * rng.normal(size=(count, dimension)) * spread
    )
    turn, _ = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    return cast(Rows, (rows @ turn).astype(np.float32))


def measured(
    rows: Rows, queries: Rows, true: Neighbors, options: argparse.Namespace
) -> Iterator[Row]:
    """A row for each inner engine, number of parts, and `top`; built once for all `top`."""
    for inner in options.inner:
        try:
            find(inner).check()
        except MissingExtra as error:
            print(f"{inner}: {error.line()}")
            continue
        for parts in options.parts:
            yield from swept(inner, parts, rows, queries, true, options)


def swept(
    inner: str, parts: int, rows: Rows, queries: Rows, true: Neighbors, options: argparse.Namespace
) -> Iterator[Row]:
    """Every `top`, with and without votes, over one build."""
    started = time.process_time()
    built = SannyEngine(find).build(rows, options.distance, parts=parts, inner=inner)
    seconds = time.process_time() - started
    saved = built.save()
    for top in options.top:
        row: Row = {"inner": inner, "parts": parts, "top": top, "build_cpu_s": round(seconds, 2)}
        row |= {"rows": len(rows), "dimension": rows.shape[1], "distance": options.distance}
        row |= {"memory": built.memory, "saved": sum(part.nbytes for part in saved.values())}
        for votes in (0, 1):
            index = SannyIndex(
                rows, options.distance, replace(built.spread, top=top, votes=bool(votes))
            )
            answer, spent = timed(index, queries)
            word = "votes" if votes else "all"
            row[f"recall_{word}"] = round(recall(answer, true), 4)
            row[f"cpu_ms_{word}"] = round(1e3 * spent, 3)
        yield row | held(built, queries, true, top)


def timed(index: SannyIndex, queries: Rows) -> tuple[Neighbors, float]:
    """The answers, one query per call, and CPU seconds per query."""
    index.search(queries[:1], K)
    started = time.process_time()
    answers = [index.search(query[np.newaxis], K) for query in queries]
    spent = (time.process_time() - started) / len(queries)
    ids = np.concatenate([answer.ids for answer in answers])
    return Neighbors(ids, np.concatenate([answer.distances for answer in answers])), spent


def recall(answer: Neighbors, true: Neighbors) -> float:
    """Share of answered rows that are no farther than the true k-th."""
    return float((answer.distances <= true.distances[:, -1:] * (1 + 1e-6)).mean())


def held(index: SannyIndex, queries: Rows, true: Neighbors, top: int) -> Row:
    """Share of the true ten in the union, in its first 20 by votes, and in 20 at random."""
    rng = np.random.default_rng(SEED)
    unions = [union for query in queries for union in index.unions(query[np.newaxis], top)]
    shares = np.array(
        [
            [
                np.isin(ids, chosen).mean()
                for chosen in (
                    union.ids,
                    elect(union, FIRST),
                    rng.permutation(union.ids)[:FIRST],
                )
            ]
            for union, ids in zip(unions, true.ids, strict=True)
        ]
    ).mean(axis=0)
    names = ("in_union", "in_first_by_votes", "in_random")
    size = float(np.mean([len(union.ids) for union in unions]))
    return {**dict(zip(names, shares.round(4).tolist(), strict=True)), "union": round(size, 1)}


def line(row: Row) -> str:
    """A row of the table."""
    return (
        f"{row['inner']:>6} m={row['parts']} top={row['top']:<4} "
        f"recall all {row['recall_all']:.3f} ({row['cpu_ms_all']:.2f} ms) "
        f"votes {row['recall_votes']:.3f} ({row['cpu_ms_votes']:.2f} ms); "
        f"of the true ten: union of {row['union']:.0f} {row['in_union']:.3f}, "
        f"first {FIRST} by votes {row['in_first_by_votes']:.3f}, "
        f"{FIRST} at random {row['in_random']:.3f}; "
        f"built {row['build_cpu_s']:.1f} s, {row['memory'] / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
