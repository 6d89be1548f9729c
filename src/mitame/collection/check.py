"""Whether the files of a collection are as they were written, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
from numpy.typing import NDArray

from mitame.collection.generations import Generations
from mitame.collection.log import Log
from mitame.collection.logcheck import damaged_rows
from mitame.collection.rows import LensRows
from mitame.collection.served import covered_rows
from mitame.collection.snapshot import Snapshot
from mitame.collection.view import View
from mitame.distances import UNIT_TOLERANCE, norms
from mitame.errors import CollectionBusy, MitameError

_BLOCK = 1 << 20
"""Floats looked at together."""


def problems(view: View, log: Log, generations: Generations, *, optional: bool = True) -> list[str]:
    """What is wrong with a collection, in words; empty when all is well.

    Args:
        view: the moment to look at.
        log, generations: of the collection.
        optional: also look at what a merge can make again: indexes, neighbour tables.
    """
    with _pinned(generations) as numbers:
        found, snapshots = _of_generations(generations, numbers, optional=optional)
        kept = [view.served.snapshot, *snapshots]
        try:
            found += [*_of_tables(view), *_of_items(view)]
            for name, entry in view.stored.items():
                start = covered_rows([s for s in kept if s is not None], entry.key)
                found += _of_lens(view, name, log, start if view.generation else 0)
        except MitameError as error:
            found.append(error.message)
        return found


@contextmanager
def _pinned(generations: Generations) -> Iterator[list[int]]:
    """All generations that there are, none of which goes meanwhile."""
    with ExitStack() as pins:
        numbers = []
        for number in generations.numbers():
            with suppress(CollectionBusy):  # it is just being removed
                pins.enter_context(generations.pin(number))
                numbers.append(number)
        there = generations.numbers()
        yield [number for number in numbers if number in there]


def _of_generations(
    generations: Generations, numbers: Sequence[int], *, optional: bool
) -> tuple[list[str], list[Snapshot]]:
    found: list[str] = []
    snapshots: list[Snapshot] = []
    for number in numbers:
        try:
            snapshot = generations.open(number)
            snapshots.append(snapshot)
            if snapshot.generation != number:
                found.append(f"generation {number}: its manifest is that of another")
            texts = snapshot.verify(optional=optional)
            found += [f"generation {number}: {text}" for text in texts]
        except MitameError as error:
            found.append(f"generation {number}: {error.message}")
    return found, snapshots


def _of_tables(view: View) -> Iterator[str]:
    yield from (text for (text,) in view.select("PRAGMA integrity_check") if text != "ok")
    for table, *_ in view.select("PRAGMA foreign_key_check"):
        yield f"table {table}: a row refers to nothing"
    empty = view.select(
        "SELECT count(*) FROM items t WHERE NOT EXISTS"
        " (SELECT 1 FROM images i WHERE i.item = t.key)"
    )[0][0]
    if empty:
        yield f"{empty} items have no image"


def _of_items(view: View) -> Iterator[str]:
    """The snapshot's items, brought forward by the journal, are those of the table."""
    alive = view.columns(frozenset({"category"})).alive
    keys = _numbers(view, "SELECT key FROM items ORDER BY key")
    if not np.array_equal(np.flatnonzero(alive), keys):
        yield "the journal does not lead from the snapshot's items to those of the table"


def _of_lens(view: View, name: str, log: Log, start: int) -> list[str]:
    found: list[str] = []
    try:
        rows, entry = view.lens_rows(name), view.stored[name]
        found += _of_delta(view, rows, entry.key)
        found += _of_base(view, rows, entry.key)
        for first, block in _blocks(rows):
            found += _of_vectors(block, first, cosine=entry.lens.spec.distance == "cosine")
        found += damaged_rows(view, log, entry, start)
    except MitameError as error:
        found.append(error.message)
    return [f"lens {name!r}: {text}" for text in found]


def _of_delta(view: View, rows: LensRows, key: int) -> Iterator[str]:
    """Every row past the snapshot is live or dead, and not both."""
    live = _numbers(view, _LIVE + " AND row >= ?", key, rows.base.log_rows)
    dead = _numbers(view, _DEAD + " AND row >= ?", key, rows.base.log_rows)
    both = len(np.intersect1d(live, dead))
    count = len(rows.owners)
    if both:
        yield f"{both} rows are live and dead"
    if len(live) + len(dead) - both != count:
        yield f"{len(live)} live and {len(dead)} dead rows of {count}"
    if np.count_nonzero(rows.owners >= 0) != len(live):
        yield "some live rows lie past its end"


def _of_base(view: View, rows: LensRows, key: int) -> Iterator[str]:
    """Every row of the snapshot is live or has died since, and belongs to the same item."""
    first = rows.base.log_rows
    live = _numbers(view, _LIVE + " AND row < ?", key, first)
    dead = _numbers(view, _DEAD + " AND row < ? AND position > ?", key, first, view.served.position)
    if not np.array_equal(np.union1d(live, dead), rows.base.rows):
        yield f"{len(live)} live and {len(dead)} dead rows are not the snapshot's {rows.base.count}"
        return
    if len(live) + len(dead) != rows.base.count:
        yield "some rows of the snapshot are live and dead"
    owners = _numbers(view, _OWNERS + " AND row < ? ORDER BY row", key, first)
    if not np.array_equal(owners, rows.base.owners[rows.base.places(live)]):
        yield "the snapshot's rows belong to other items than the table says"


_LIVE = "SELECT row FROM vectors WHERE lens = ?"
_OWNERS = "SELECT item FROM vectors WHERE lens = ?"
_DEAD = "SELECT DISTINCT row FROM dead_rows WHERE lens = ?"


def _numbers(view: View, sql: str, *values: object) -> NDArray[np.int64]:
    return np.fromiter((number for (number,) in view.each(sql, *values)), np.int64)


def _blocks(rows: LensRows) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The delta's vectors with the row of the log that each block begins with."""
    for piece in rows.pieces:
        step = max(1, _BLOCK // piece.vectors.shape[1])
        for start in range(0, len(piece.vectors), step):
            yield piece.first + start, piece.vectors[start : start + step]


def _of_vectors(block: NDArray[np.float32], start: int, *, cosine: bool) -> Iterator[str]:
    last = start + len(block) - 1
    if not np.isfinite(block).all():
        yield f"NaN or infinity in rows {start} to {last}"
    elif cosine:
        lengths = norms(block)
        if np.any((lengths != 0) & (np.abs(lengths - 1) > 2 * UNIT_TOLERANCE)):
            yield f"a row of {start} to {last} is not normalised"
