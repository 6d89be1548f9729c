"""``mitame search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import (
    collection_options,
    json_option,
    open_existing,
    print_json,
    private_option,
    standard_input,
)
from mitame.cli.telling import is_terminal, printable, say, tell

if TYPE_CHECKING:
    from mitame.search import Answer, Neighbor

_SINCE = {"changed": "has another picture now", "gone": "has been removed since"}


@click.command("search")
@click.argument("picture", required=False)
@click.option("--id", "item_id", metavar="ID", help="Ask for an item instead of a picture.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=10, show_default=True)
@click.option("--where", metavar="FILTER", help="For instance: category=mug,price<5000")
@click.option("--lens", metavar="NAME", help="Which way of being alike. [default: the first one]")
@click.option("--threshold", type=float, metavar="SCORE", help="Leave out lower scores.")
@click.option(
    "--effort",
    type=click.FloatRange(0, 1),
    metavar="0-1",
    help="How hard to look, from 0 (quickest). [default: as was tuned]",
)
@click.option("--exact", is_flag=True, help="Look at every vector: the true answer.")
@click.option(
    "--generation",
    type=click.IntRange(1),
    metavar="N",
    help="Ask this kept generation alone, without what has changed since.",
)
@click.option("-f", "--files", is_flag=True, help="Print the paths only.")
@click.option(
    "--pictures/--no-pictures",
    default=None,
    help="Show pictures in terminals that can. [default: when they can]",
)
@private_option
@collection_options
@json_option
def search_command(
    picture: str | None,
    item_id: str | None,
    limit: int,
    where: str | None,
    lens: str | None,
    threshold: float | None,
    effort: float | None,
    exact: bool,
    generation: int | None,
    files: bool,
    pictures: bool | None,
    allow_private: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Find what looks like a picture or an item.

    PICTURE is a path, an http(s) URL, or - for standard input.
    """
    if (picture is None) == (item_id is None):
        raise click.UsageError("give either a PICTURE or --id ID")
    asked: dict[str, Any] = {"limit": limit, "where": where, "lens": lens}
    asked |= {"score_threshold": threshold, "effort": effort, "exact": exact}
    asked["generation"] = generation
    with open_existing(data, collection, allow_private=allow_private) as items:
        if item_id is not None:
            answer = items.similar(item_id, **asked)
        else:
            image = standard_input() if picture == "-" else picture
            answer = items.search(image=image, **asked)
    if as_json:
        print_json(answer.to_json())
    elif files:
        for neighbor in answer.neighbors:
            # A script gets the path as it is; people, what their terminal can show.
            place = printable(_place(neighbor)) if is_terminal() else _place(neighbor)
            click.echo(place, color=True)  # else click takes escape sequences out of a path
    else:
        _print_answer(answer, pictures)


def _print_answer(answer: Answer, pictures: bool | None) -> None:
    from mitame.cli.terminal_pictures import can_show, show

    shown = can_show() if pictures is None else pictures
    categories = [printable(neighbor.category or "") for neighbor in answer.neighbors]
    width = max(map(len, categories), default=0)
    for rank, neighbor in enumerate(answer.neighbors, 1):
        category = f"{categories[rank - 1]:{width}}  " if width else ""
        head = f"{rank:3}  {neighbor.score:5.2f}  {neighbor.match:7}  {category}"
        since = "" if neighbor.since is None else f"  ({_SINCE[neighbor.since]})"
        tell(f"{head}{neighbor.id}{since}")
        if shown and neighbor.image is not None and neighbor.image.source:
            show(neighbor.image.source)
    if answer.reason:
        say(answer.reason)
    if not answer.reliable:
        say("no reliable match")


def _place(neighbor: Neighbor) -> str:
    if neighbor.image is not None and neighbor.image.source:
        return neighbor.image.source
    return neighbor.id
