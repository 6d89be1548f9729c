"""``mitame index``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.generations import why_due
from mitame.cli.options import (
    collection_options,
    json_option,
    print_json,
    private_option,
    threads_option,
)
from mitame.cli.telling import printable, say

if TYPE_CHECKING:
    from mitame.images.candidate import Refused
    from mitame.ingest import IndexReport

LISTED = 20
INTERRUPTED = 130


@click.command("index")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--category-from-folder", is_flag=True, help="An image's folder is its category.")
@click.option("--prefix", default="", metavar="TEXT", help="Put this before every id.")
@click.option("--prune", is_flag=True, help="Remove items whose file vanished.")
@click.option(
    "--lens",
    "lenses",
    multiple=True,
    metavar="NAME=EMBEDDER",
    help="A lens of a new collection; repeatable. "
    "[default: look=efficientnet-lite0 and color=color]",
)
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every bad file with its reason as JSON lines.",
)
@click.option("--no-merge", is_flag=True, help="Make no snapshot, even where one is due.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@threads_option
@private_option
@collection_options
@json_option
def index_command(
    targets: tuple[str, ...],
    category_from_folder: bool,
    prefix: str,
    prune: bool,
    lenses: tuple[str, ...],
    errors: Path | None,
    no_merge: bool,
    quiet: bool,
    threads: int | None,
    allow_private: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> int:
    """Index pictures: folders, archives, manifests, lists of URLs.

    Each TARGET is a folder (walked whole), a picture, a zip or tar archive, a manifest
    (.csv, .jsonl, .parquet), a list of URLs (.txt), or a URL. What did not change since the
    last run is skipped; Ctrl-C keeps what was done.
    """
    from mitame.api import open as open_collection
    from mitame.cli.progress import ProgressBar
    from mitame.images.sources import open_source

    wanted = lens_mapping(lenses)
    # Refuse a target that can't be read before a collection is made for it.
    for target in targets:
        open_source(target, allow_private=allow_private)
    with (
        open_collection(
            data,
            collection,
            lenses=wanted,
            threads=threads,
            allow_private=allow_private,
        ) as items,
        ProgressBar(quiet=quiet) as bar,
    ):
        report = items.index(
            *targets,
            category_from_folder=category_from_folder,
            prefix=prefix,
            prune=prune,
            on_progress=bar,
        )
        total = len(items)
        reason = None if no_merge or report.interrupted else why_due(items.store)
    if errors is not None:
        write_errors(errors, report.refused)
    summarise(report, errors)
    if reason:
        say(f"making a snapshot: {reason}")
        merge_apart(data, collection, quiet=quiet)
    if as_json:
        print_json({"collection": collection, **report.to_json(), "items": total})
    else:
        click.echo(f"{total} items in collection {collection!r}, kept in {data}")
    return INTERRUPTED if report.interrupted else 0


def merge_apart(data: Path, collection: str, *, quiet: bool) -> None:
    """Merge in a process of its own, at low priority; one that fails loses nothing."""
    words = [sys.executable, "-m", "mitame", "merge", "--data", str(data)]
    words += ["--collection", collection, *(["--quiet"] if quiet else [])]
    # S603: our own interpreter, no shell, and a list of arguments
    done = subprocess.run(words, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode:
        say("everything is kept; try again with: mitame merge")


def lens_mapping(lenses: Sequence[str]) -> dict[str, str] | None:
    """``NAME=EMBEDDER`` texts as a mapping; None when there are none."""
    pairs = [text.partition("=") for text in lenses]
    for text, (name, _, embedder) in zip(lenses, pairs, strict=True):
        if not name or not embedder:
            raise click.BadParameter(f"{text!r}: write it like look=efficientnet-lite0")
    return {name: embedder for name, _, embedder in pairs} or None


def write_errors(path: Path, refused: Sequence[Refused]) -> None:
    """The bad files as JSON lines; the file appears whole or not at all."""
    lines = [
        json.dumps(
            {
                "location": printable(each.location),
                "code": each.error.code,
                "reason": each.error.message,
                "remedy": each.error.remedy,
            },
            ensure_ascii=False,
        )
        for each in refused
    ]
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.absolute().parent, delete=False
    ) as file:
        file.writelines(f"{line}\n" for line in lines)
    Path(file.name).replace(path)


def summarise(report: IndexReport, errors: Path | None = None) -> None:
    """The counts and the bad files on standard error."""
    names = ("added", "replaced", "moved", "updated", "touched", "unchanged", "removed")
    counts = [f"{getattr(report, name)} {name}" for name in names if getattr(report, name)]
    rate = f", {report.images_per_second:.0f} images/s" if report.embedded else ""
    say(f"{', '.join(counts) or 'nothing to do'} in {report.seconds:.1f} s{rate}")
    for each in report.refused[:LISTED]:
        say(f"  refused {printable(each.location)}: {each.error.line()}")
    if len(report.refused) > LISTED:
        where = f"all of them are in {errors}" if errors else "list them with --errors FILE"
        say(f"  ... {len(report.refused)} bad files in all; {where}")
    if report.vanished:
        say(f"{report.vanished} items have no file any more; remove them with --prune")
    if report.interrupted:
        say("stopped; everything counted above is kept, the same command goes on")
