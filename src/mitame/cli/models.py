"""``mitame models``."""

from __future__ import annotations

import click

from mitame.cli.options import json_option, print_json
from mitame.cli.telling import tell


@click.group("models", invoke_without_command=True)
@click.pass_context
@json_option
def models_command(ctx: click.Context, as_json: bool) -> None:
    """List embedders; bring their weights."""
    if ctx.invoked_subcommand is not None:
        return
    from mitame.embedders.catalog import entries

    rows = entries()
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "summary": each.summary,
                    "dimension": each.dimension,
                    "licence": each.licence,
                    "extra": each.extra,
                    "available": each.available(),
                }
                for each in rows
            ]
        )
        return
    for each in rows:
        ready = "ready" if each.available() else _remedy(each.extra)
        tell(f"{each.name:20} {each.dimension or '':>5}  {each.licence:12}  {ready}")
        tell(f"{'':20}        {each.summary}")


def _remedy(extra: str | None) -> str:
    return f"pip install 'mitame[{extra}]'" if extra else "weights missing: mitame models pull"


@models_command.command("pull")
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="PATH",
    help="A file that you have already. [default: the official address]",
)
@json_option
def pull_command(name: str, source: str | None, as_json: bool) -> None:
    """Bring the weights of an embedder into the cache; their hash is checked."""
    from mitame.embedders.pull import pull

    path = pull(name, source=source)
    if as_json:
        print_json({"name": name, "path": str(path)})
    else:
        tell(f"{name}: {path}")
