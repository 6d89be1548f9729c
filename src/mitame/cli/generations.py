"""``mitame merge``, ``mitame generations`` and ``mitame rollback``."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import BytesBar
from mitame.cli.telling import tell

if TYPE_CHECKING:
    from mitame.collection import Store

POLITE = 10  # added to the process' nice value: queries and uploads go first


@click.command("merge")
@click.option(
    "--keep",
    type=click.IntRange(1, 1_000),
    default=2,
    show_default=True,
    help="Generations to keep, the new one counted.",
)
@click.option("--if-due", is_flag=True, help="Only when so much has changed that it pays.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="Go on for ever: look this often whether a merge is due.",
)
@click.option("--half", is_flag=True, help="Keep vectors as float16: half the space.")
@click.option(
    "--neighbors",
    type=click.IntRange(0, 10_000),
    metavar="N",
    help="Neighbours per item in the neighbour table from now on; 0 for no table."
    " [default: as before, 100 at first]",
)
@click.option(
    "--rebuild", is_flag=True, help="Also when nothing has changed: make indexes and tables anew."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def merge_command(
    keep: int,
    if_due: bool,
    interval: float | None,
    half: bool,
    neighbors: int | None,
    rebuild: bool,
    quiet: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Apply what has changed: make a new snapshot and switch to it.

    Searching and writing go on meanwhile, in this and other processes. A merge that is
    interrupted goes on where it stopped the next time.
    """
    _be_polite()
    dtype: Literal["float16", "float32"] = "float16" if half else "float32"
    with open_existing(data, collection) as items:
        while True:
            always = not (if_due or interval)
            if always or why_due(items.store):
                with BytesBar("Merging", quiet=quiet) as bar:
                    made = items.store.merge(
                        keep=keep,
                        dtype=dtype,
                        neighbors=neighbors,
                        rebuild=rebuild,
                        on_progress=bar,
                    )
                _tell(collection, made, as_json=as_json)
            elif not interval:
                _tell(collection, None, as_json=as_json)
            if not interval:
                return
            time.sleep(interval)


def _be_polite() -> None:
    if hasattr(os, "nice"):
        os.nice(POLITE)


def why_due(store: Store) -> str | None:
    """Why so much has changed that a merge pays; None where it doesn't."""
    from mitame.collection.policy import MergePolicy, should_merge

    return should_merge(store.delta(), MergePolicy())


def _tell(collection: str, made: int | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"collection": collection, "generation": made})
    elif made is None:
        tell("nothing to merge")
    else:
        tell(f"generation {made} is served")


@click.command("generations")
@collection_options
@json_option
def generations_command(data: Path, collection: str, as_json: bool) -> None:
    """List the snapshots that can be served, and what has changed since."""
    with open_existing(data, collection) as items:
        infos = items.store.generations()
        delta = items.store.delta()
    if as_json:
        rows = [info.__dict__ for info in infos]
        print_json({"collection": collection, "generations": rows, "delta": delta.__dict__})
        return
    for info in infos:
        made = datetime.fromtimestamp(info.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
        mark = "served" if info.served else ""
        about = info.problem or f"{info.items:9} items  {info.bytes / 1e6:9.1f} MB  {made}  {mark}"
        tell(f"{info.number:6}  {about}".rstrip())
    if not infos:
        tell("no snapshot yet: make one with mitame merge")
    tell(f"{delta.items} changes since, {delta.bytes / 1e6:.1f} MB of vectors")


@click.command("rollback")
@click.argument("generation", type=click.IntRange(0))
@collection_options
@json_option
def rollback_command(generation: int, data: Path, collection: str, as_json: bool) -> None:
    """Serve an older snapshot again (or a newer one).

    No item is lost: what was written since that snapshot stays, in the journal.
    """
    with open_existing(data, collection) as items:
        items.store.rollback(generation)
    _tell(collection, generation, as_json=as_json)
