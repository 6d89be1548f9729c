"""``mitame backup``, ``mitame restore`` and ``mitame verify``."""

from __future__ import annotations

from pathlib import Path

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import BytesBar
from mitame.cli.telling import tell


@click.command("backup")
@click.argument("destination", type=click.Path(path_type=Path), metavar="DEST")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def backup_command(
    destination: Path, quiet: bool, data: Path, collection: str, as_json: bool
) -> None:
    """Copy a collection into a new folder DEST, as it is at one moment.

    Writing may go on meanwhile. DEST appears whole or not at all.
    """
    with open_existing(data, collection) as items, BytesBar("Copying", quiet=quiet) as bar:
        items.store.backup(destination, on_progress=bar)
    if as_json:
        print_json({"collection": collection, "backup": str(destination)})
    else:
        tell(f"{collection!r} is copied to {destination}")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@collection_options
@json_option
def restore_command(source: Path, data: Path, collection: str, as_json: bool) -> None:
    """Make a collection from a backup, which is verified first.

    The collection must not exist yet: choose another name with --collection, or move the old
    one away.
    """
    from mitame.collection import collection_path, restore

    restore(source, collection_path(data, collection))
    with open_existing(data, collection) as items:
        count = len(items)
    if as_json:
        print_json({"collection": collection, "items": count})
    else:
        tell(f"{count} items in collection {collection!r}")


@click.command("verify")
@collection_options
@json_option
def verify_command(data: Path, collection: str, as_json: bool) -> int:
    """Read every byte of a collection and compare it with its checksums.

    The exit code is 1 when something is wrong.
    """
    with open_existing(data, collection) as items:
        problems = items.check()
    if as_json:
        print_json({"collection": collection, "problems": problems})
    else:
        for problem in problems:
            tell(problem)
        tell("whole" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0
