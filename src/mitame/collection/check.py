"""Whether the files of a collection agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mitame.collection.database import reading
from mitame.collection.view import View
from mitame.distances import UNIT_TOLERANCE, norms
from mitame.errors import CorruptCollection

_BLOCK = 1 << 20
"""Floats looked at together."""


def problems(view: View, path: Path) -> list[str]:
    """What is wrong with the collection at a path, in words; empty when all is well."""
    try:
        with reading(path):
            of_lenses = (text for name in view.lenses for text in _of_lens(view, name))
            return [*_of_tables(view), *of_lenses]
    except CorruptCollection as error:
        return [error.message]


def _of_tables(view: View) -> Iterator[str]:
    yield from (text for (text,) in view.select("PRAGMA integrity_check") if text != "ok")
    for table, *_ in view.select("PRAGMA foreign_key_check"):
        yield f"table {table}: a row refers to nothing"
    lonely = view.select(
        "SELECT count(*) FROM images i WHERE NOT EXISTS"
        " (SELECT 1 FROM vectors v WHERE v.item = i.item AND v.ordinal = i.ordinal)"
    )[0][0]
    if lonely:
        yield f"{lonely} images have no vector of any lens"
    empty = view.select(
        "SELECT count(*) FROM items t WHERE NOT EXISTS"
        " (SELECT 1 FROM images i WHERE i.item = t.key)"
    )[0][0]
    if empty:
        yield f"{empty} items have no image"


def _row_counts(view: View, name: str) -> tuple[int, int, int]:
    """Rows of a lens that are live, dead, and both."""
    key = view.select("SELECT key FROM lenses WHERE name = ?", name)[0][0]
    live, dead, both = view.select(
        "SELECT (SELECT count(*) FROM vectors WHERE lens = ?1),"
        " (SELECT count(DISTINCT row) FROM dead_rows WHERE lens = ?1),"
        " (SELECT count(*) FROM vectors v JOIN dead_rows d USING (lens, row) WHERE lens = ?1)",
        key,
    )[0]
    return live, dead, both


def _of_lens(view: View, name: str) -> Iterator[str]:
    rows = len(view.lens_vectors(name))
    live, dead, both = _row_counts(view, name)
    if both:
        yield f"lens {name!r}: {both} rows are live and dead"
    if live + dead - both != rows:
        yield f"lens {name!r}: {live} live and {dead} dead rows of {rows}"
    owners = view.owners(name)
    if np.count_nonzero(owners >= 0) != live:
        yield f"lens {name!r}: some live rows lie past its end"
    yield from _of_vectors(view, name)


def _of_vectors(view: View, name: str) -> Iterator[str]:
    vectors, spec = view.lens_vectors(name), view.lenses[name].spec
    step = max(1, _BLOCK // spec.dimension)
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step]
        if not np.isfinite(block).all():
            yield f"lens {name!r}: NaN or infinity in rows {start} to {start + len(block) - 1}"
        elif spec.distance == "cosine":
            lengths = norms(block)
            if np.any((lengths != 0) & (np.abs(lengths - 1) > 2 * UNIT_TOLERANCE)):
                last = start + len(block) - 1
                yield f"lens {name!r}: a row of {start} to {last} is not normalised"
