"""``mitame lens``: list, add, switch, drop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.interrupts import INTERRUPTED
from mitame.cli.options import (
    collection_options,
    copies_option,
    debug_option,
    json_option,
    open_existing,
    print_json,
    private_option,
    threads_option,
)
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from mitame.ingest.filling import FillReport

LISTED = 20


@click.group("lens")
@debug_option
def lens_command() -> None:
    """List, add, switch and drop lenses; change the embedder.

    To change the embedder of a lens without downtime: add a second lens with the new embedder,
    which gives every image a vector while all else goes on; ask both; then switch their names.
    The same switch leads back.
    """


@lens_command.command("list")
@collection_options
@json_option
def list_command(data: Path, collection: str, as_json: bool) -> None:
    """List the lenses; the first one answers when none is named."""
    from mitame.ingest.filling import coverage

    with open_existing(data, collection) as items:
        missing = coverage(items.store)
        rows = [
            {
                "name": name,
                "embedder": lens.spec.opened_by or lens.spec.name,
                "dimension": lens.spec.dimension,
                "distance": lens.spec.distance,
                "missing": missing[name],
            }
            for name, lens in items.lenses.items()
        ]
    if as_json:
        print_json({"collection": collection, "lenses": rows})
        return
    for row in rows:
        lacks = f"  {row['missing']} images have no vector yet" if row["missing"] else ""
        about = f"{row['embedder']}, {row['dimension']} floats, {row['distance']}"
        tell(f"{row['name']:12} {about}{lacks}")


@lens_command.command("add")
@click.argument("name")
@click.argument("embedder")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@threads_option
@private_option
@copies_option
@collection_options
@json_option
def add_command(
    name: str,
    embedder: str,
    quiet: bool,
    threads: int | None,
    allow_private: bool,
    copies_mb: float,
    data: Path,
    collection: str,
    as_json: bool,
) -> int:
    """Add a lens NAME with an EMBEDDER, and give every image a vector for it.

    Pictures are read again from where they came. Stopped in between, the same command goes on.
    """
    from mitame.cli.progress import ProgressBar

    settings = {"threads": threads, "allow_private": allow_private, "copies_mb": copies_mb}
    with open_existing(data, collection, **settings) as items, ProgressBar(quiet=quiet) as bar:
        report = items.add_lens(name, embedder, on_progress=bar)
    if as_json:
        counts = {"filled": report.filled, "refused": len(report.refused)}
        print_json({"collection": collection, "lens": name, **counts})
    else:
        _summarise(report)
    return INTERRUPTED if report.interrupted else int(bool(report.refused))


def _summarise(report: FillReport) -> None:
    say(f"{report.filled} images filled in {report.seconds:.1f} s")
    for each in report.refused[:LISTED]:
        say(f"  refused {each.location}: {each.error.line()}")
    if len(report.refused) > LISTED:
        say(f"  ... {len(report.refused)} in all")
    if report.interrupted:
        say("stopped; the same command goes on")


@lens_command.command("switch")
@click.argument("name")
@click.argument("other")
@click.option("--force", is_flag=True, help="Even where images have no vector yet.")
@collection_options
@json_option
def switch_command(
    name: str, other: str, force: bool, data: Path, collection: str, as_json: bool
) -> None:
    """Exchange the names of two lenses, at once for every process; again leads back."""
    with open_existing(data, collection) as items:
        items.switch_lenses(name, other, force=force)
        lens = items.lenses[name].spec
    if as_json:
        print_json({"collection": collection, "lens": name, "embedder": lens.name})
    else:
        tell(f"{name} is now {lens.opened_by or lens.name}; {other} is what it was before")


@lens_command.command("drop")
@click.argument("name")
@collection_options
@json_option
def drop_command(name: str, data: Path, collection: str, as_json: bool) -> None:
    """Drop a lens with its vectors."""
    with open_existing(data, collection) as items:
        items.store.drop_lens(name)
    if as_json:
        print_json({"collection": collection, "dropped": name})
    else:
        tell(f"dropped {name}")
