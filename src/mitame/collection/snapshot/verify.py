"""Whether a snapshot is as it was written, and agrees with itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mitame.collection.item import check_id
from mitame.collection.snapshot.part import check_digest
from mitame.collection.snapshot.snapshot import Snapshot, SnapshotLens
from mitame.distances import UNIT_TOLERANCE, norms
from mitame.errors import MitameError
from mitame.storage.protocol import Directory

_HALF_TOLERANCE = 1e-2
"""How far from 1 the norm may be of a vector kept as float16: one rounding of each number."""


def problems(
    directory: Directory,
    on_bytes: Callable[[int], None] = lambda _: None,
    *,
    optional: bool = True,
) -> list[str]:
    """What is wrong with the snapshot in a directory, in words; empty when all is well.

    It is opened anew, so that nothing is believed that was read before. Whether the parts agree
    is looked at only where each is as it was written.

    Args:
        directory: the snapshot's.
        on_bytes: called after each part with its bytes.
        optional: also look at parts that can be made again from the others.
    """
    found: list[str] = []
    try:
        snapshot = Snapshot.open(directory)
        for part in snapshot.manifest.parts.values():
            if part.optional and not optional:
                continue
            try:
                check_digest(directory, part)
            except MitameError as error:
                found.append(error.message)
            on_bytes(part.bytes)
        return found or [*_disagreements(snapshot)]
    except MitameError as error:
        return [*found, error.message]


def _disagreements(snapshot: Snapshot) -> Iterator[str]:
    where = f"snapshot {snapshot.generation}"
    if np.count_nonzero(snapshot.alive) != snapshot.items:
        yield f"{where}: it has another number of items than its manifest says"
    yield from (f"{where}: {text}" for text in _of_ids(snapshot))
    yield from (f"{where}: {text}" for text in _of_columns(snapshot))
    for lens in snapshot.lenses.values():
        yield from (f"{where}: lens {lens.name!r}: {text}" for text in _of_lens(snapshot, lens))


def _of_ids(snapshot: Snapshot) -> Iterator[str]:
    seen: set[str] = set()
    for key, is_alive in enumerate(snapshot.alive.tolist()):
        item_id = snapshot.id_of(key)
        if (item_id is not None) != is_alive:
            yield f"key {key} has an id and no item, or an item and no id"
        if item_id is not None:
            check_id(item_id)
            if item_id in seen:
                yield f"two items have the id {item_id!r}"
            seen.add(item_id)


def _of_columns(snapshot: Snapshot) -> Iterator[str]:
    columns = snapshot.columns().by_name
    for name in columns:
        column = columns[name]
        if (column.codes[~snapshot.alive] != 0).any():
            yield f"column {name!r} has values of items that are not there"
        if (np.bincount(column.codes, minlength=column.count)[1:] == 0).any():
            yield f"column {name!r} has values that no item has"


def _of_lens(snapshot: Snapshot, lens: SnapshotLens) -> Iterator[str]:
    if len(lens.rows) and not snapshot.alive[lens.owners].all():
        yield "it has rows of items that are not there"
    is_half = lens.vectors.dtype == np.float16
    tolerance = _HALF_TOLERANCE if is_half else 2 * UNIT_TOLERANCE
    row = 0
    for block in lens.blocks():
        last = row + len(block) - 1
        if not np.isfinite(block).all():
            yield f"NaN or infinity in rows {row} to {last}"
        elif lens.spec.distance == "cosine":
            lengths = norms(block)
            if np.any((lengths != 0) & (np.abs(lengths - 1) > tolerance)):
                yield f"a row of {row} to {last} is not normalised"
        row += len(block)
