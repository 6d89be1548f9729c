"""Groups of near-copies, against comparing everything with everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import mitame
from mitame import duplicates as module
from mitame.collection import Item, ItemImage
from mitame.collection.changes import Put, Remove
from mitame.distances import DISTANCES, Distance, pairwise
from mitame.duplicates import duplicates
from mitame.errors import CollectionBusy, NotMerged, UnknownLens
from mitame.filters import Filter, parse
from mitame.variety import scores

DIMENSION = 5
Vectors = dict[str, np.ndarray]


def made(seed: int, sizes: Sequence[int]) -> Vectors:
    """Groups of near-copies of these sizes, far from each other."""
    rng = np.random.default_rng(seed)
    rows = [
        centre + rng.normal(size=DIMENSION) * 0.002
        for size in sizes
        for centre in [rng.normal(size=DIMENSION) * 3]
        for _ in range(size)
    ]
    names = rng.permutation(len(rows))
    return {f"i{n:04}": row.astype(np.float32) for n, row in zip(names, rows, strict=True)}


def puts(vectors: Vectors) -> list[Put]:
    return [
        Put(Item(name, "ab"[int(name[1:]) % 2], {}, (ItemImage({"vectors": each}),)))
        for name, each in vectors.items()
    ]


def brute(vectors: Vectors, metric: Distance, at: float) -> list[tuple[str, ...]]:
    """Components of the graph of all pairs."""
    names = sorted(vectors)
    rows = np.stack([vectors[name] for name in names])
    near = scores(pairwise(rows, rows, metric), metric) >= at
    groups, left = [], set(range(len(names)))
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = set(np.flatnonzero(near[sorted(edge)].any(axis=0)).tolist()) - group
        left -= group
        groups.append(tuple(names[n] for n in sorted(group)))
    return [group for group in groups if len(group) > 1]


def found(
    shop: mitame.Collection, at: float, where: Filter | None = None
) -> tuple[list[tuple[str, ...]], bool]:
    with shop.store.pin() as view:
        answer = duplicates(view, "vectors", at, where)
    return list(answer.groups), answer.exact


@pytest.mark.parametrize("metric", DISTANCES)
def test_groups(tmp_path: Path, metric: Distance) -> None:
    """Before a merge, after it, and when items have changed, moved and gone since."""
    sizes = [1] * 40 + [2] * 15 + [3] * 6 + [9, 14]
    vectors = made(3, sizes)
    if metric == "inner_product":  # nearness there is length: most products are no near-copies
        vectors = {name: each / 3 for name, each in vectors.items()}
    at = {"cosine": 0.9995, "euclidean": 0.95, "inner_product": 6.0}[metric]
    with mitame.open(tmp_path, lenses={"vectors": f"vectors:{DIMENSION}:{metric}"}) as shop:
        shop.store.append(puts(vectors))
        expected = brute(vectors, metric, at)
        assert expected
        assert found(shop, at) == (expected, True)
        shop.store.merge()
        assert found(shop, at) == (expected, True)
        names = sorted(vectors)
        vectors[names[0]] = vectors[names[5]].copy()
        vectors["new"] = vectors[names[9]].copy()
        gone = {name: vectors.pop(name) for name in names[20:24]}
        changed = {name: vectors[name] for name in (names[0],)}
        new = Put(Item("new", "a", {}, (ItemImage({"vectors": vectors["new"]}),)))
        shop.store.append([*puts(changed), new, *map(Remove, gone)])
        groups, _ = found(shop, at)
        assert groups == brute(vectors, metric, at)


def test_a_filter_cuts_chains(tmp_path: Path) -> None:
    """Items that don't pass are in no group and join none."""
    vectors = made(4, [2] * 20 + [6])
    with mitame.open(tmp_path, lenses={"vectors": f"vectors:{DIMENSION}"}) as shop:
        shop.store.append(puts(vectors))
        passing = {name: each for name, each in vectors.items() if int(name[1:]) % 2}
        expected = brute(passing, "cosine", 0.9995)
        assert 0 < len(expected) < 20
        assert found(shop, 0.9995, parse("category=b")) == (expected, True)
        shop.store.merge()
        assert found(shop, 0.9995, parse("category=b")) == (expected, True)


@pytest.mark.parametrize("merged", [False, True])
def test_a_crowd(tmp_path: Path, merged: bool) -> None:
    """More copies of one picture than a list holds are still one group."""
    vectors = made(5, [1] * 30 + [2])
    vectors |= {f"same{n:03}": np.ones(DIMENSION, np.float32) for n in range(250)}
    with mitame.open(tmp_path, lenses={"vectors": f"vectors:{DIMENSION}"}) as shop:
        shop.store.append(
            [
                Put(Item(name, images=(ItemImage({"vectors": each}),)))
                for name, each in vectors.items()
            ]
        )
        if merged:
            shop.store.merge()
        groups, exact = found(shop, 0.99999)
        assert groups == brute(vectors, "cosine", 0.99999)
        assert not exact  # not every pair was looked at, and that is said


def test_nothing(tmp_path: Path) -> None:
    """An empty collection has no groups."""
    with mitame.open(tmp_path, lenses={"vectors": "vectors:3"}) as shop:
        assert found(shop, 0.9) == ([], True)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many items to be searched for ask for a merge, too little time for a filter."""
    vectors = made(6, [2] * 8)
    with mitame.open(tmp_path, lenses={"vectors": f"vectors:{DIMENSION}"}) as shop:
        shop.store.append(puts(vectors))
        monkeypatch.setattr(module, "MAX_SEARCHED", 15)
        with pytest.raises(NotMerged):
            found(shop, 0.99)
        shop.store.merge()
        assert len(found(shop, 0.9995)[0]) == 8
        with shop.store.pin() as view, pytest.raises(CollectionBusy):
            duplicates(view, "vectors", 0.99, until=0.0)
        with shop.store.pin() as view, pytest.raises(UnknownLens):
            duplicates(view, "none", 0.99)
