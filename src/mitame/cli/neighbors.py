"""``mitame neighbors``."""

from __future__ import annotations

from pathlib import Path

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import StepBar
from mitame.cli.telling import say, tell


@click.command("neighbors")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="FILE.parquet, FILE.jsonl, FILE.csv, or the address of a database.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Neighbours per item.",
)
@click.option("--lens", metavar="NAME", help="Which way of being alike. [default: the first one]")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def neighbors_command(
    target: str,
    limit: int,
    lens: str | None,
    quiet: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Write every item's nearest items to a file or database.

    TARGET is a file, postgresql://USER:PASSWORD@HOST/DATABASE?table=NAME, or
    redis://:PASSWORD@HOST:PORT/NUMBER?prefix=NAME. What was there is replaced as a whole: readers
    see the old lists or the new ones. The lists are of one moment, changes since the last merge
    included.
    """
    from mitame.exchange.neighbors import write_neighbors

    with open_existing(data, collection) as items, StepBar("Writing", " items", quiet=quiet) as bar:
        report = write_neighbors(items, target, lens=lens, limit=limit, on_step=bar)
    if report.searched:
        say(
            f"{report.searched} lists were not in the neighbour table and were searched for,"
            " which is slower: mitame merge makes it anew"
        )
    if not report.exact:
        say("not all lists are the exact ones: see mitame status")
    if as_json:
        print_json({"collection": collection, **report.to_json()})
    else:
        tell(f"wrote {report.neighbors} neighbours of {report.items} items to {report.target}")
