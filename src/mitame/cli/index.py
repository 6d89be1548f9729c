"""``mitame index``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.generations import why_due
from mitame.cli.interrupts import INTERRUPTED
from mitame.cli.options import (
    collection_options,
    copies_option,
    json_option,
    megabytes_option,
    print_json,
    private_option,
    threads_option,
)
from mitame.cli.output_files import check_output, write_whole
from mitame.cli.telling import json_line, say, tell
from mitame.errors import MitameError

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.images.candidate import Refused
    from mitame.images.limits import ImageLimits
    from mitame.ingest import IndexReport

LISTED = 20
NOTHING = "no pictures found"


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
@click.option("--max-mb", type=click.IntRange(1), metavar="N", help="Largest file. [default: 64]")
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Largest picture, width times height. [default: 100000000]",
)
@click.option(
    "--allow-outside",
    is_flag=True,
    help="A manifest may name files outside its own folder.",
)
@click.option(
    "--thumbnails",
    is_flag=True,
    help="Make the thumbnails that the page of a server is going to ask for, of all items.",
)
@megabytes_option(
    "--thumbnails-mb",
    "MITAME_SERVE_LIMITS_THUMBNAILS_MB",
    default=512,
    text="Megabytes of thumbnails that are kept.",
)
@click.option("--no-merge", is_flag=True, help="Make no snapshot, even where one is due.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@threads_option
@private_option
@copies_option
@collection_options
@json_option
def index_command(
    targets: tuple[str, ...],
    category_from_folder: bool,
    prefix: str,
    prune: bool,
    lenses: tuple[str, ...],
    errors: Path | None,
    max_mb: int | None,
    max_pixels: int | None,
    allow_outside: bool,
    thumbnails: bool,
    thumbnails_mb: float,
    no_merge: bool,
    quiet: bool,
    threads: int | None,
    allow_private: bool,
    copies_mb: float,
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

    wanted, limits = lens_mapping(lenses), image_limits(max_mb, max_pixels)
    opened: dict[str, Any] = {"allow_private": allow_private, "limits": limits}
    _check(targets, errors, wanted, {**opened, "allow_outside": allow_outside})
    with (
        open_collection(
            data, collection, lenses=wanted, threads=threads, copies_mb=copies_mb, **opened
        ) as items,
        ProgressBar(quiet=quiet) as bar,
        told_what_is_kept(items),
    ):
        report = items.index(
            *targets,
            category_from_folder=category_from_folder,
            prefix=prefix,
            prune=prune,
            allow_outside=allow_outside,
            thumbnails_mb=thumbnails_mb if thumbnails else 0,
            on_progress=bar,
        )
        total = len(items)
        reason = None if no_merge or report.interrupted else why_due(items.store)
    summarise(report, errors)
    if errors is not None:
        write_errors(errors, report.refused)
    if reason:
        say(f"making a snapshot: {reason}")
        merge_apart(data, collection, quiet=quiet)
    if as_json:
        print_json({"collection": collection, **report.to_json(), "items": total})
    else:
        tell(f"{total} items in collection {collection!r}, kept in {data}")
    if report.interrupted:
        return INTERRUPTED
    return int(bool(report.refused) and total == 0)


def image_limits(max_mb: int | None, max_pixels: int | None) -> ImageLimits:
    """The usual limits, but for these two."""
    from mitame.images.limits import DEFAULT_LIMITS, MIB

    most = DEFAULT_LIMITS.max_bytes if max_mb is None else max_mb * MIB
    return replace(
        DEFAULT_LIMITS, max_bytes=most, max_pixels=max_pixels or DEFAULT_LIMITS.max_pixels
    )


def _check(
    targets: Sequence[str],
    errors: Path | None,
    lenses: dict[str, str] | None,
    settings: dict[str, Any],
) -> None:
    """Refuse what can't be read or written before a collection is made for it."""
    from mitame.images.sources import open_source
    from mitame.lenses import check_embedders

    if errors is not None:
        check_output(errors)
    for target in targets:
        open_source(target, **settings)
    check_embedders(lenses or {})


@contextmanager
def told_what_is_kept(items: Collection) -> Iterator[None]:
    """A disk that fills up ends the run with an error; what came before is there all the same."""
    from mitame.errors import StorageError

    before = len(items)
    try:
        yield
    except StorageError:
        with suppress(MitameError):
            now = len(items)
            say(f"stopped; {now - before} items more than before are kept, {now} in all")
        raise


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
    """The bad files as JSON lines; the file appears whole or not at all.

    Raises:
        StorageError: the disk does not let us.
    """
    lines = [
        json_line(
            {
                "location": each.location,
                "code": each.error.code,
                "reason": each.error.message,
                "remedy": each.error.remedy,
            }
        )
        for each in refused
    ]
    write_whole(path, lambda file: file.writelines(f"{line}\n".encode() for line in lines))


def summarise(report: IndexReport, errors: Path | None = None) -> None:
    """The counts and the bad files on standard error."""
    names = ("added", "replaced", "moved", "updated", "touched", "unchanged", "removed")
    counts = [f"{getattr(report, name)} {name}" for name in names if getattr(report, name)]
    rate = f", {report.images_per_second:.0f} images/s" if report.embedded else ""
    done = ", ".join(counts) or ("no picture could be used" if report.refused else NOTHING)
    say(f"{done} in {report.seconds:.1f} s{rate}")
    if report.thumbnails is not None:
        told = f"{report.thumbnails.there} items have thumbnails"
        lacking = report.thumbnails.lacking
        why = f"; {lacking} have none: no room (--thumbnails-mb), or their pictures can't be read"
        say(told + (why if lacking else ""))
    if report.passed_over:
        say(f"{report.passed_over} other files passed over; they are no pictures by their name")
    for each in report.refused[:LISTED]:
        say(f"  refused {each.location}: {each.error.line()}")
    if len(report.refused) > LISTED:
        where = f"all of them are in {errors}" if errors else "list them with --errors FILE"
        say(f"  ... {len(report.refused)} bad files in all; {where}")
    if report.vanished:
        say(f"{report.vanished} items have no file any more; remove them with --prune")
    if report.interrupted:
        say("stopped; everything counted above is kept, the same command goes on")
