"""A collection's items and the vectors of one lens, written to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mitame.api import Collection
from mitame.collection import View
from mitame.errors import UnknownLens
from mitame.exchange.formats import write, writing_format
from mitame.exchange.row import Block, Row, Rows, in_blocks, rows_per_block
from mitame.filters import Filter, parse
from mitame.ingest.report import OnProgress, Progress


@dataclass
class ExportReport:
    """What became of the items that were asked for.

    Attributes:
        written: items in the file.
        without_vector: items left out, as they have no vector in the lens.
        further_images: vectors left out, of items with several images: the first one is written.
    """

    written: int = 0
    without_vector: int = 0
    further_images: int = 0

    def to_json(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def export_rows(
    collection: Collection,
    path: str | os.PathLike[str],
    lens: str | None = None,
    where: str | Filter | None = None,
    on_progress: OnProgress | None = None,
    *,
    format: str | None = None,  # noqa: A002 - as in write
) -> ExportReport:
    """Write items with their vectors to a file, by id, as they are at one moment.

    Args:
        collection: whose.
        path: the file; see `write`.
        lens: whose vectors; the default lens when None.
        where: only items that match, like ``category=mug,price<5000``.
        on_progress: called after every block.
        format: see `write`.

    Raises:
        UnknownLens: no such lens.
        UsageError: the format is unknown, or can't hold an item.
        StorageError: the file can't be written.
    """
    name = lens or collection.default_lens
    if name not in collection.lenses:
        remedy = f"choose from: {', '.join(collection.lenses)}"
        raise UnknownLens(f"no lens {name!r}", remedy=remedy)
    wanted = writing_format(Path(path), format)
    found = parse(where) if isinstance(where, str) else where
    spec = collection.lenses[name].spec
    report = ExportReport()
    with collection.store.pin() as view:
        rows = Rows(
            Path(path).name,
            wanted,
            lambda: _blocks(view, name, found, report, on_progress),
            dimension=spec.dimension,
            distance=spec.distance,
            unique=True,
        )
        write(rows, path, wanted)
    return report


def _blocks(
    view: View, lens: str, where: Filter | None, report: ExportReport, told: OnProgress | None
) -> Iterator[Block]:
    progress = Progress(total=view.count(where))
    size = rows_per_block(4 * view.lenses[lens].spec.dimension)
    for block in in_blocks(_rows(view, lens, where, report), size):
        yield block
        progress.done += len(block)
        if told is not None:
            told(progress)


def _rows(view: View, lens: str, where: Filter | None, report: ExportReport) -> Iterator[Row]:
    for item in view.items(where):
        vectors = view.vectors(item.id, lens)
        if not len(vectors):
            report.without_vector += 1
            continue
        report.written += 1
        report.further_images += len(vectors) - 1
        yield Row(item.id, vectors[0], item.category, item.attributes)
