"""Pictures per second: the whole pipeline beside ONNX Runtime alone on ready tensors.

The pipeline reads, decodes, resizes, embeds and writes durably: once with the lens `look` alone,
which is what the network's own rate compares with, and once with the default lenses (`color`, too).
Rounds of all are interleaved in one run and compared by ratio, because absolute speed depends
on what else the machine does. The pipeline runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitame.demo.drawn import draw_catalogue
from mitame.embedders.catalog import open_embedder
from mitame.embedders.network import NetworkEmbedder
from mitame.images.candidate import Candidate
from mitame.images.decode import decode
from mitame.images.sources import open_source
from mitame.ingest.pipeline import usable_cores

EMBEDDER = "efficientnet-lite0"
LENSES = (("look", EMBEDDER), ("color", "color"))
READY = 64


def main() -> None:
    """Entry point."""
    options = parsed()
    if options.child:
        lenses = LENSES if options.default_lenses else LENSES[:1]
        print(json.dumps(pipeline(Path(options.child), options.threads, dict(lenses))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.pictures or drawn(Path(scratch), options.count)
        rows = [one_round(folder, options) for _ in range(options.rounds)]
    report(rows, options)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="a folder; drawn pictures when left out")
    parser.add_argument("--count", type=int, default=1_000, help="how many to draw")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--output", type=Path, help="append the rows here as JSON lines")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--default-lenses", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def drawn(scratch: Path, count: int) -> Path:
    """A folder of drawn pictures with a shorter side of 288, as web shops keep them."""
    folder = scratch / "pictures"
    draw_catalogue(folder, count=count, size=288)
    return folder


def one_round(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The ceiling, then the pipeline with one lens and with the default ones."""
    ceiling = model_alone(folder, options.threads)
    look = in_child(folder, options.threads)
    both = in_child(folder, options.threads, "--default-lenses")
    return {
        "images": look["images"],
        "ceiling": ceiling,
        "look": look["rate"],
        "default": both["rate"],
        "peak_mb": both["peak_mb"],
    }


def in_child(folder: Path, threads: int, *more: str) -> dict[str, Any]:
    """The pipeline in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.ingest", "--child", str(folder)]
    words += ["--threads", str(threads), *more]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    row: dict[str, Any] = json.loads(out.splitlines()[-1])
    return row


def model_alone(folder: Path, threads: int, seconds: float = 5.0) -> float:
    """Images per second of the network on prepared pictures, `threads` calls at a time."""
    embedder = open_embedder(EMBEDDER)
    assert isinstance(embedder, NetworkEmbedder)
    run, ready = embedder.run, prepared(folder, embedder)
    run(ready[0])
    end = time.perf_counter() + seconds

    def work(_: int) -> int:
        done = 0
        while time.perf_counter() < end:
            run(ready[done % len(ready)])
            done += 1
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        total = sum(pool.map(work, range(threads)))
    return total / (time.perf_counter() - started)


def prepared(folder: Path, embedder: NetworkEmbedder) -> list[NDArray[np.float32]]:
    """The first pictures of a folder as tensors, float32[1, 3, height, width]."""
    ready = []
    for offer in open_source(str(folder)):
        if isinstance(offer, Candidate):
            decoded = decode(offer.read(), min_side=embedder.decode_side)
            ready.append(embedder.tensor([embedder.prepare(decoded.pixels)]))
        if len(ready) == READY:
            break
    return ready


def pipeline(folder: Path, threads: int, lenses: dict[str, str]) -> dict[str, Any]:
    """Index a folder into a new collection."""
    import mitame

    with (
        tempfile.TemporaryDirectory() as scratch,
        mitame.open(scratch, "bench", threads=threads, lenses=lenses) as shop,
    ):
        report = shop.index(folder)
        items = len(shop)
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "images": report.embedded,
        "items": items,
        "rate": report.images_per_second,
        "peak_mb": peak / 1e6,
    }


def report(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    """A table, and the rows as JSON lines where asked."""
    print(f"{options.threads} threads, {EMBEDDER}, {rows[0]['images']} images")
    print(f"{'round':>6} {'model alone':>12} {'look':>16} {'look + color':>16} {'peak MB':>8}")
    for number, row in enumerate(rows, 1):
        shares = [f"{row[k]:5.0f}/s ({row[k] / row['ceiling']:.2f})" for k in ("look", "default")]
        print(
            f"{number:6} {row['ceiling']:10.0f}/s {shares[0]:>16} {shares[1]:>16} "
            f"{row['peak_mb']:8.0f}"
        )
    medians = [
        statistics.median(row[k] / row["ceiling"] for row in rows) for k in ("look", "default")
    ]
    print(f"median ratio {medians[0]:.2f} with look, {medians[1]:.2f} with look and color;")
    print("the aim is 0.75 now and 0.9 later")
    if options.output:
        with options.output.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)


if __name__ == "__main__":
    main()
