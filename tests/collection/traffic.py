"""Processes that write, merge and query one collection: ``python -m tests.collection.traffic``.

The writer moves a window over the numbers: it adds item ``hi``, removes item ``lo``, gives another
one another vector, and notes all three in the item ``window``, in one batch. So a reader can
work out from one item what every answer of the same moment must be.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitame.collection import (
    Attribute,
    Change,
    Item,
    ItemImage,
    Lens,
    Patch,
    Put,
    Remove,
    Store,
    View,
    open_store,
)
from mitame.distances import exact
from mitame.errors import CollectionBusy
from mitame.filters import parse
from mitame.search import Query, search
from tests.collection.made import noise, spec

LENS = Lens("look", spec(16))
WINDOW = "window"
SIZE = 120
LIMIT = 6


@cache
def vector(number: int) -> NDArray[np.float32]:
    """The vector of an item."""
    return noise(number, 16)


def begin(store: Store) -> None:
    """The first window."""
    items = [_item(number, number) for number in range(SIZE)]
    store.append([*map(Put, items), _window(0, SIZE, {})])


def _item(number: int, seed: int) -> Item:
    colour = "odd" if number % 2 else "even"
    return Item(f"i{number}", colour, {"seed": seed}, (ItemImage({"look": vector(seed)}),))


def _window(low: int, high: int, changed: dict[int, int]) -> Put:
    pairs = [f"{number}:{seed}" for number, seed in changed.items()]
    attributes: dict[str, Attribute] = {"low": low, "high": high, "changed": pairs}
    return Put(Item(WINDOW, None, attributes, (ItemImage({"look": vector(10**9)}),)))


def window(view: View) -> dict[int, int]:
    """Which items there must be, with the seeds of their vectors."""
    item = view.get(WINDOW)
    assert item is not None
    found: dict[str, object] = dict(item.attributes)
    low, high, pairs = found["low"], found["high"], found["changed"]
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert isinstance(pairs, list)
    seeds = {number: number for number in range(low, high)}
    return seeds | {int(n): int(s) for n, s in (pair.split(":") for pair in pairs)}


def _ticks(seconds: float) -> Iterator[int]:
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        yield number
        number += 1


def write(store: Store, seconds: float) -> None:
    """Move the window, and print how far it is after each acknowledged batch."""
    with store.pin() as view:
        seeds = window(view)
    for number in _ticks(seconds):
        low, high = min(seeds), max(seeds) + 1
        other = random.choice(range(low + 1, high))
        seeds[high], seeds[other] = high, 10**6 + high
        del seeds[low]
        changed = {n: s for n, s in seeds.items() if n != s}
        batch: list[Change] = [
            Put(_item(high, high)),
            Remove(f"i{low}"),
            Put(_item(other, seeds[other])),
        ]
        patch = Patch(f"i{high - 9}", attributes={"seed": seeds[high - 9], "patched": True})
        store.append([*batch, patch, _window(low + 1, high + 1, changed)])
        print(high + 1, flush=True)
        time.sleep(0.002 if number % 50 else 0.05)


def merge(store: Store, seconds: float) -> None:
    """Merge again and again, and roll back now and then."""
    for number in _ticks(seconds):
        try:
            made = store.merge(keep=1 + number % 2)
            if number % 4 == 3 and made is not None:
                store.rollback(store.generations()[0].number)
        except CollectionBusy:  # another merger of the test
            made = None
        print(made, flush=True)
        time.sleep(random.uniform(0.05, 0.5))


def read(store: Store, seconds: float) -> None:
    """Query, compare each answer with what its moment's window says, and print what was seen."""
    rng = np.random.default_rng()
    last, took, generations = 0, [], set()
    for _ in _ticks(seconds):
        started = time.perf_counter()
        with store.pin() as view:
            assert view.position >= last
            last = view.position
            generations.add(view.generation)
            seeds = window(view)
            query = rng.normal(size=16).astype(np.float32)
            where = [None, "category=even", "seed>=0"][int(rng.integers(3))]
            asked = Query("look", query[None], LIMIT, parse(where) if where else None, EXCLUDED)
            found = search(view, asked)
            took.append(time.perf_counter() - started)
            got = [(n.id, n.distance) for n in found.neighbors]
            kept = {n: s for n, s in seeds.items() if where != "category=even" or n % 2 == 0}
            assert got == _nearest(query, kept), (view.position, view.generation, where)
            assert view.count() == len(seeds) + 1
    told = {"queries": len(took), "generations": sorted(generations), "took": took}
    print(json.dumps(told), flush=True)


EXCLUDED = frozenset({WINDOW})


def _nearest(query: NDArray[np.float32], seeds: dict[int, int]) -> list[tuple[str, float]]:
    numbers = sorted(seeds)
    away = exact(query, np.stack([vector(seeds[n]) for n in numbers]), "cosine")
    ranked = sorted(zip(away.tolist(), (f"i{n}" for n in numbers), strict=True))
    return [(item_id, distance) for distance, item_id in ranked[:LIMIT]]


ROLES: dict[str, Callable[[Store, float], None]] = {"write": write, "merge": merge, "read": read}

if __name__ == "__main__":
    _, role, path, seconds = sys.argv
    with open_store(Path(path)) as opened:
        print("begin", flush=True)
        ROLES[role](opened, float(seconds))
