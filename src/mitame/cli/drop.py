"""``mitame drop``."""

from __future__ import annotations

from pathlib import Path

import click

from mitame.cli.options import data_option, json_option, print_json
from mitame.cli.telling import tell


@click.command("drop")
@click.argument("collection")
@click.option("--yes", is_flag=True, help="Do it; without it nothing is removed.")
@data_option
@json_option
def drop_command(collection: str, yes: bool, data: Path, as_json: bool) -> None:
    """Remove a collection with all its items.

    The pictures that were indexed stay where they are. A backup can be brought back with
    `mitame restore`.
    """
    from mitame.dropping import drop_collection
    from mitame.errors import UsageError

    if not yes:
        raise UsageError(
            f"nothing was removed: collection {collection!r} would be lost for good",
            remedy="say it with --yes",
        )
    drop_collection(data, collection)
    if as_json:
        print_json({"dropped": collection})
    else:
        tell(f"dropped collection {collection!r}")
