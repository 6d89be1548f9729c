"""``mitame export`` and ``mitame import``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mitame.api import Collection
    from mitame.exchange import ImportReport, ItemType, Metric, Rows
    from mitame.ingest.report import OnProgress, Progress

LISTED = 20
READABLE = ("csv", "jsonl", "npy", "parquet", "annoy", "faiss", "hnswlib")
WRITABLE = READABLE[:4]
# Both vocabularies: annoy's, and the distances of this program.
METRICS: dict[str, Metric] = {
    "angular": "angular",
    "cosine": "angular",
    "euclidean": "euclidean",
    "manhattan": "manhattan",
    "dot": "dot",
    "inner_product": "dot",
}


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(WRITABLE),
    help="[default: from the name's ending]",
)
@click.option("--lens", metavar="NAME", help="Whose vectors. [default: the first lens]")
@click.option("--where", metavar="FILTER", help="For instance: category=mug,price<5000")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def export_command(
    file: Path,
    file_format: str | None,
    lens: str | None,
    where: str | None,
    quiet: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Write items and their vectors to a file.

    FILE ends in .parquet, .jsonl, .csv or .npy (then FILE.ids.txt and FILE.attributes.jsonl come
    beside it). It appears whole or not at all, and is the collection at one moment.
    """
    from mitame.exchange import export_rows

    with open_existing(data, collection) as items, _progress("Exporting", quiet) as told:
        report = export_rows(items, file, lens, where, told, format=file_format)
    if report.without_vector:
        say(f"{report.without_vector} items have no vector in this lens and were left out")
    if report.further_images:
        say(f"{report.further_images} vectors of further images were left out")
    if as_json:
        print_json({"file": str(file), "collection": collection, **report.to_json()})
    else:
        tell(f"exported {report.written} items to {file}")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(READABLE),
    help="[default: from the content and the name]",
)
@click.option(
    "--dim", "dimension", type=click.IntRange(1, 65_536), help="Dimension; annoy files need it."
)
@click.option(
    "--metric",
    type=click.Choice(list(METRICS)),
    help="What vectors are compared by; annoy files need it. [default: the file's, else cosine]",
)
@click.option(
    "--item-type",
    type=click.Choice(["float32", "float64"]),
    help="Numbers of an annoy file. [default: told from the content]",
)
@click.option("--lens", metavar="NAME", help="Whose vectors they are. [default: the first lens]")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def import_command(
    file: Path,
    file_format: str | None,
    dimension: int | None,
    metric: str | None,
    item_type: ItemType | None,
    lens: str | None,
    quiet: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> int:
    """Read vectors from a file of another program.

    FILE is Parquet, JSON lines, CSV (KEY,F1,F2,...), .npy, or an index of annoy, faiss or
    hnswlib. A collection that is missing is made for vectors of your own. Rows that can't be
    used are told and left out; the exit code is then 1.
    """
    from mitame.exchange import import_rows, read

    wanted = None if metric is None else METRICS[metric]
    rows = read(file, format=file_format, dimension=dimension, metric=wanted, item_type=item_type)
    with (
        _open(data, collection, rows, wanted, lens) as items,
        _progress("Importing", quiet) as told,
    ):
        report = import_rows(items, rows, lens, told)
    _tell(report, rows)
    if as_json:
        print_json({"collection": collection, "format": rows.format, **report.to_json()})
    else:
        counts = f"{report.added} added, {report.replaced} replaced, {report.refused} refused"
        tell(f"{counts}, kept in collection {collection!r}")
    return 1 if report.refused else 0


def _open(
    data: Path, collection: str, rows: Rows, metric: Metric | None, lens: str | None
) -> Collection:
    """The collection; made for these vectors where it is missing."""
    from mitame.errors import CollectionNotFound
    from mitame.exchange import make_collection

    try:
        return open_existing(data, collection)
    except CollectionNotFound:
        return make_collection(data, collection, rows, metric=metric, lens=lens)


def _tell(report: ImportReport, rows: Rows) -> None:
    for each in report.refusals[:LISTED]:
        say(f"  refused {rows.unit} {each.number}: {each.error.line()}")
    if report.refused > LISTED:
        say(f"  ... {report.refused} refused in all")


@contextmanager
def _progress(what: str, quiet: bool) -> Iterator[OnProgress | None]:
    """A bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=" items", dynamic_ncols=True, file=sys.stderr) as bar:

        def told(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        yield told
