"""The rows of a file, put into a collection as items with bare vectors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mitame.api import Collection
from mitame.api import open as open_collection
from mitame.collection import Attribute, Item, ItemImage, Lens, Put, check_attributes, check_id
from mitame.distances import DISTANCES, check_vector
from mitame.errors import InvalidVector, MitameError, UnknownLens, UsageError
from mitame.exchange.row import DISTANCE_OF, Block, Metric, RefusedRow, Row, Rows
from mitame.ingest.report import OnProgress, Progress
from mitame.lenses import OWN_VECTORS

LISTED = 1_000
"""Refused rows that a report keeps; all of them are counted."""

_Numbered: TypeAlias = tuple[int, Put]


@dataclass
class ImportReport:
    """What became of the rows.

    Attributes:
        added: items that are new.
        replaced: items that were there before.
        refused: rows that were left out.
        refusals: the first of them, with their numbers and reasons.
    """

    added: int = 0
    replaced: int = 0
    refused: int = 0
    refusals: list[RefusedRow] = field(default_factory=list)

    def refuse(self, row: RefusedRow) -> None:
        """Count a row that is left out."""
        self.refused += 1
        if len(self.refusals) < LISTED:
            self.refusals.append(row)

    def to_json(self) -> dict[str, Any]:
        """The counts by name, and the refusals with row and reason."""
        refusals = [{"row": each.number, "reason": each.error.line()} for each in self.refusals]
        counts = {"added": self.added, "replaced": self.replaced, "refused": self.refused}
        return {**counts, "refusals": refusals}


def make_collection(
    data: str | os.PathLike[str],
    name: str,
    rows: Rows,
    *,
    metric: Metric | None = None,
    lens: str | None = None,
) -> Collection:
    """A new collection with one lens for the rows' vectors.

    Args:
        data: directory of the collections.
        name: the collection's.
        rows: whose dimension it takes.
        metric: what to compare by; the rows' when None, and cosine where they tell none.
        lens: name of the lens; ``vectors`` when None.

    Raises:
        UsageError: the rows don't tell their dimension, or the metric is manhattan.
        CollectionError: it can't be made.
    """
    if rows.dimension is None:
        raise UsageError(f"{rows.name} does not tell its dimension", remedy="give it with --dim")
    distance = rows.distance if metric is None else DISTANCE_OF.get(metric)
    if metric == "manhattan":
        raise UsageError(
            f"{rows.name}: no distance here ranks as manhattan does",
            remedy="make a collection of another distance first and import into it",
        )
    spec = f"{OWN_VECTORS}:{rows.dimension}:{distance or DISTANCES[0]}"
    return open_collection(data, name, lenses={lens or OWN_VECTORS: spec})


def import_rows(
    collection: Collection,
    rows: Rows,
    lens: str | None = None,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Put rows into a collection, a block at a time; each block is durable when it is counted.

    An item of the same id is replaced whole. A row is refused, with its number, and the rest goes
    on, where its vector is missing, of another dimension or not finite, its id was in the file
    before, or its id or attributes can't be kept. Under cosine, vectors are normalised.

    Args:
        collection: where to; vectors are taken on trust to be of the lens's embedder.
        rows: of `read`.
        lens: which they belong to; the default lens when None.
        on_progress: called after every block.

    Raises:
        UnknownLens: no such lens.
        InvalidVector: the file's vectors have another dimension than the lens.
        SourceError: the file is damaged; what came before stays imported.
        CollectionError: a block can't be written.
    """
    name = lens or collection.default_lens
    if name not in collection.lenses:
        remedy = f"choose from: {', '.join(collection.lenses)}"
        raise UnknownLens(f"no lens {name!r}", remedy=remedy)
    chosen = collection.lenses[name]
    if rows.dimension is not None and rows.dimension != chosen.spec.dimension:
        raise InvalidVector(
            f"{rows.name} has vectors of {rows.dimension} dimensions, the lens {name!r} "
            f"{chosen.spec.dimension}",
            remedy="import it into another collection: --collection NAME",
        )
    report, progress = ImportReport(), Progress(total=rows.total)
    with closing(_Seen(rows.unit, skip=rows.unique)) as seen:
        for block in rows.blocks():
            _append(collection, _puts(block, chosen, seen, report), report)
            progress.done += len(block)
            if on_progress is not None:
                on_progress(progress)
    return report


def _append(collection: Collection, puts: Sequence[_Numbered], report: ImportReport) -> None:
    """Write a block, without the rows that the collection refuses; those are found by halving."""
    if not puts:
        return
    with collection.store.pin() as view:
        there = len(view.keys([put.item.id for _, put in puts]))
    try:
        collection.store.append([put for _, put in puts])
    except UsageError as error:  # all or nothing is written: nothing was
        if len(puts) == 1:
            report.refuse(RefusedRow(puts[0][0], error))
            return
        middle = len(puts) // 2
        _append(collection, puts[:middle], report)
        _append(collection, puts[middle:], report)
        return
    report.replaced += there
    report.added += len(puts) - there


def _puts(block: Block, lens: Lens, seen: _Seen, report: ImportReport) -> list[_Numbered]:
    """The rows as changes, by their numbers; others are refused."""
    puts: list[_Numbered] = []
    for row in block:
        try:
            if isinstance(row, RefusedRow):
                raise row.error
            put = _put(row, lens)
            seen.check(put.item.id, row.number)
            puts.append((row.number, put))
        except MitameError as error:
            report.refuse(RefusedRow(row.number, error))
    return puts


def _put(row: Row, lens: Lens) -> Put:
    if row.vector is None:
        raise InvalidVector("the row has no vector", remedy="leave the row out")
    vector = check_vector(row.vector, lens.spec.dimension)
    attributes: Mapping[str, Attribute] = check_attributes(row.attributes)
    image = ItemImage(vectors={lens.name: vector})
    return Put(Item(check_id(row.id), row.category, attributes, (image,)))


class _Seen:
    """The ids of a file so far, in a temporary database: exact, and on the disk when many.

    Args:
        unit: what rows are numbered by.
        skip: remember nothing, as the file can't have an id twice.
    """

    def __init__(self, unit: str, *, skip: bool) -> None:
        self._unit, self._skip = unit, skip
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, number) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def check(self, name: str, number: int) -> None:
        """Note an id.

        Raises:
            UsageError: it was in the file before.
        """
        if self._skip:
            return
        sql = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING"
        if self._database.execute(sql, (name, number)).rowcount:
            return
        found = self._database.execute("SELECT number FROM seen WHERE id = ?", (name,))
        raise UsageError(
            f"the id {name[:80]!r} stands in {self._unit} {found.fetchone()[0]} already",
            remedy="give each row an id of its own",
        )

    def close(self) -> None:
        self._database.close()
