"""The collection that the service is measured with: merged, with its neighbour table."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import mitame
from benchmarks.engines import synthetic
from mitame.collection import Attribute, Item, ItemImage, Put

NAME = "shop"
CATEGORIES = 50
_BATCH = 4_096


def vectors(source: Path | None, rows: int, dimension: int) -> NDArray[np.float32]:
    """float32[rows, dimension]: of a file's ``vectors``, else seeded ones of their kind.

    Args:
        source: an npz file, see `benchmarks.engines.cnn`; None for seeded ones.
        rows: how many.
        dimension: of seeded ones.
    """
    if source is not None:
        with np.load(source, allow_pickle=False) as file:
            return np.ascontiguousarray(file["vectors"][:rows], np.float32)
    drawing = synthetic.Source(synthetic.Shape(rows, dimension))
    blocks = [drawing.draw(n, synthetic.BLOCK) for n in range(-(-rows // synthetic.BLOCK))]
    return np.concatenate(blocks)[:rows]


def make(folder: Path, found: NDArray[np.float32], recall: float) -> Path:
    """A data directory in a folder whose collection has items ``0``, ``1``..., merged.

    It is made once for each recall: for that its index is tuned, and no effort goes into more.
    """
    began = time.perf_counter()
    data = folder / f"recall-{recall:g}"
    whole = data / "whole"  # written last
    if whole.exists():
        return data
    shutil.rmtree(data, ignore_errors=True)
    with mitame.open(data, NAME, lenses={"look": f"vectors:{found.shape[1]}"}) as collection:
        for start in range(0, len(found), _BATCH):
            part = range(start, min(start + _BATCH, len(found)))
            collection.store.append([Put(item(number, found[number])) for number in part])
        print(f"{len(found):,} items added in {time.perf_counter() - began:.0f} s", flush=True)
        collection.store.merge()
        choice = collection.tune(recall=recall, engines=["cascade"], apply=True)
        print(f"tuned: {choice.why}", flush=True)
        print(f"merged after {time.perf_counter() - began:.0f} s", flush=True)
    whole.touch()
    return data


def item(number: int, vector: NDArray[np.float32]) -> Item:
    """An item with a vector, float32[dimension]."""
    kind = f"kind-{number % CATEGORIES}"
    return Item(str(number), kind, attributes(number), (ItemImage({"look": vector}),))


def attributes(number: int) -> dict[str, Attribute]:
    """Of an item, as a shop's would be."""
    return {"price": 100 + number % 900, "sold_out": number % 10 == 0, "title": f"item {number}"}
