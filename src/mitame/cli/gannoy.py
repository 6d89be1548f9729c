"""``mitame gannoy``: gannoy's own commands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from mitame.cli.options import data_option, debug_option, open_existing
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from mitame.exchange import ImportReport, ItemType, Metric, Rows

P = ParamSpec("P")
R = TypeVar("R")
LISTED = 20
_DISTANCES = {"2": "euclidean", "a": "cosine"}
_METRICS: dict[str, Metric] = {"2": "euclidean", "a": "angular"}
_NOT_OFFERED = {"1": "L1", "h": "Hamming"}


def _data_options(function: Callable[P, R]) -> Callable[P, R]:
    """``--data``, and gannoy's ``-p`` for the same."""

    @click.option(
        "-p",
        "--path",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="As --data.",
    )
    @functools.wraps(function)
    def with_one(*args: P.args, **kwargs: P.kwargs) -> R:
        path = kwargs.pop("path", None)
        if path is not None:
            kwargs["data"] = path
        return function(*args, **kwargs)

    return data_option(debug_option(with_one))


def _tree_options(function: Callable[P, R]) -> Callable[P, R]:
    """``-t`` and ``-K``, which say nothing here."""

    @click.option("-t", "--tree", type=int, help="Accepted, without effect.")
    @click.option("-K", "--K", "bucket", type=int, help="Accepted, without effect.")
    @functools.wraps(function)
    def without_them(*args: P.args, **kwargs: P.kwargs) -> R:
        given = [kwargs.pop(name, None) for name in ("tree", "bucket")]
        if any(value is not None for value in given):
            say("-t and -K are of no effect: the engine is chosen by measuring (mitame tune)")
        return function(*args, **kwargs)

    return without_them


_distance_option = click.option(
    "-D",
    "--distance-function",
    "distance",
    type=click.Choice(["1", "2", "a", "h"]),
    help="2: L2, a: angle. 1 (L1) and h (Hamming) are not offered.",
)
_dim = click.IntRange(1, 65_536)


@click.group("gannoy")
def gannoy_command() -> None:
    """Work with databases as gannoy's commands did.

    A database is a collection of vectors of your own. Serve them with: mitame serve --gannoy
    """


@gannoy_command.command("create")
@click.argument("database")
@click.option(
    "-d", "--dim", "dimension", type=_dim, default=2, show_default=True, help="Size of features."
)
@_distance_option
@_tree_options
@_data_options
def create_command(database: str, dimension: int, distance: str | None, data: Path) -> None:
    """Make an empty database. Its distance is angular unless -D says L2."""
    from mitame.api import open as open_collection
    from mitame.collection import collection_path
    from mitame.collection.paths import DATABASE
    from mitame.errors import CollectionExists

    kind = _DISTANCES[_offered(distance) or "a"]
    if (collection_path(data, database) / DATABASE).exists():
        raise CollectionExists(f"database {database!r} exists already")
    open_collection(data, database, lenses={"vectors": f"vectors:{dimension}:{kind}"}).close()
    tell(f"made database {database!r} of {dimension} dimensions")


@gannoy_command.command("drop")
@click.argument("database")
@click.option("-y", "--assumeyes", "yes", is_flag=True, help="Do not ask.")
@_data_options
def drop_command(database: str, yes: bool, data: Path) -> None:
    """Remove a database with all its features."""
    from mitame.dropping import drop_collection

    open_existing(data, database).close()
    if not yes and not click.confirm(f"Drop the database {database!r} for good?", err=True):
        tell("nothing was removed")
        return
    drop_collection(data, database)
    tell(f"dropped database {database!r}")


@gannoy_command.command("apply")
@click.argument("database")
@_data_options
def apply_command(database: str, data: Path) -> None:
    """Apply what is pending: make a new snapshot and switch to it.

    Searching and writing go on meanwhile. Nothing waits for it to be found.
    """
    with open_existing(data, database) as items:
        made = items.store.merge()
    tell("nothing is pending" if made is None else f"generation {made} is served")


@gannoy_command.command("convert")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("database")
@click.option("-d", "--dim", "dimension", type=_dim, help="Size of features; annoy files need it.")
@_distance_option
@click.option(
    "-m",
    "--map-path",
    "keys",
    metavar="CSV",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lines KEY,NUMBER: the keys of an annoy file's items. [default: their numbers]",
)
@click.option(
    "--item-type",
    type=click.Choice(["float32", "float64"]),
    help="Numbers of an annoy file. [default: told from the content]",
)
@_tree_options
@_data_options
def convert_command(
    source: Path,
    database: str,
    dimension: int | None,
    distance: str | None,
    keys: Path | None,
    item_type: ItemType | None,
    data: Path,
) -> int:
    """Read CSV (KEY,F1,F2,...), an annoy file or a database of gannoy's.

    A database of gannoy's is named by its .meta file or, with an NGT index, by its directory.
    DATABASE is made where it is missing. Every key is kept; rows that can't be used are told and
    left out, and the exit code is then 1.
    """
    from mitame.exchange.gannoy_sources import read_source

    wanted = _offered(distance)
    metric = None if wanted is None else _METRICS[wanted]
    rows = read_source(source, dimension=dimension, metric=metric, item_type=item_type, keys=keys)
    report = _imported(data, database, rows, metric)
    for each in report.refusals[:LISTED]:
        say(f"  refused {rows.unit} {each.number}: {each.error.line()}")
    if report.refused > LISTED:
        say(f"  ... {report.refused} refused in all")
    counts = f"{report.added} added, {report.replaced} replaced, {report.refused} refused"
    tell(f"{counts}, kept in database {database!r}")
    return 1 if report.refused else 0


def _imported(data: Path, database: str, rows: Rows, metric: Metric | None) -> ImportReport:
    from mitame.errors import CollectionNotFound, UsageError
    from mitame.exchange import import_rows, make_collection
    from mitame.lenses import OWN_VECTORS

    try:
        collection = open_existing(data, database)
    except CollectionNotFound:
        collection = make_collection(data, database, rows, metric=metric)
    with collection:
        if collection.lenses[collection.default_lens].spec.name != OWN_VECTORS:
            raise UsageError(
                f"collection {database!r} holds pictures", remedy="convert into another one"
            )
        return import_rows(collection, rows)


def _offered(distance: str | None) -> str | None:
    from mitame.errors import UsageError

    if distance in _NOT_OFFERED:
        raise UsageError(
            f"the distance {_NOT_OFFERED[distance]} is not offered",
            remedy="use -D a (angle) or -D 2 (L2)",
        )
    return distance
