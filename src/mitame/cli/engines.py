"""``mitame engines``."""

from __future__ import annotations

from typing import Any

import click

from mitame.cli.options import json_option, print_json
from mitame.cli.telling import tell


@click.command("engines")
@json_option
def engines_command(as_json: bool) -> None:
    """List engines: what each is, when to choose it, and what to install."""
    from mitame.engines.catalog import ENTRIES

    rows = [_row(each) for each in ENTRIES]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        ready = "ready" if row["available"] else f"pip install 'mitame[{row['extra']}]'"
        exact = "exact" if row["exact"] else "approximate"
        tell(f"{row['name']:12} {exact:12} {ready}")
        tell(f"{'':12} {row['summary']}: {row['choose']}")


def _row(entry: Any) -> dict[str, Any]:
    """An entry of the catalogue as JSON says it."""
    abilities = entry.engine.abilities
    return {
        "name": entry.name,
        "summary": entry.summary,
        "choose": entry.choose,
        "exact": abilities.exact,
        "distances": sorted(abilities.distances),
        "filters": abilities.filters,
        "deterministic": abilities.deterministic,
        "extra": abilities.extra or None,
        "available": entry.available(),
    }
