"""``mitame demo``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.options import debug_option
from mitame.cli.telling import tell
from mitame.errors import SourceError

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.demo.contact_sheet import SheetRow
    from mitame.search import Answer

SHOWN = 8
# Clear cases, so that a first look shows what the lens sees; the share below is over all items.
SHOWN_EMOJI = (
    "food-drink/red-apple",
    "animals-nature/tiger-face",
    "objects/guitar",
    "smileys-emotion/grinning-face",
    "animals-nature/hibiscus",
    "travel-places/automobile",
    "animals-nature/wolf",
    "people-body/thumbs-up",
)
NEXT = ("Now your own pictures:", "  mitame index FOLDER", "  mitame search PICTURE")
ANSWERS = 6
SHARE_AT = 5


@click.command("demo")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="mitame-demo",
    show_default=True,
    metavar="DIR",
    help="Where pictures, collection and contact sheet go.",
)
@click.option("--drawn", is_flag=True, help="Use pictures drawn here; nothing is fetched.")
@debug_option
def demo_command(folder: Path, drawn: bool) -> None:
    """Index sample pictures and draw a contact sheet.

    The pictures are the rendered emoji of an npm package (MIT licence); where npm is missing,
    a catalogue of product-like pictures that mitame draws itself.
    """
    from mitame.api import open as open_collection
    from mitame.cli.index import summarise
    from mitame.cli.progress import ProgressBar
    from mitame.cli.telling import say
    from mitame.demo.contact_sheet import write_contact_sheet
    from mitame.evaluation.categories import category_scores

    pictures, title = _sample(folder, drawn=drawn)
    with open_collection(folder / "data", "drawn" if drawn else "demo") as shop:
        say("Indexing (each picture goes through the network once; a second run skips them)")
        with ProgressBar() as bar:
            report = shop.index(pictures, category_from_folder=True, on_progress=bar)
        summarise(report)
        queries = _queries(shop)
        answers = [(query, shop.similar(query, limit=ANSWERS)) for query in queries]
        for query, answer in answers:
            _print_neighbors(query, answer)
        rows = [_row(shop, query, answer) for query, answer in answers]
        page, sheet = write_contact_sheet(rows, folder, title=title)
        with shop.store.pin() as view:
            scores = category_scores(view, shop.default_lens, k=SHARE_AT, sample=500)
    tell()
    tell(
        f"Of the first {SHARE_AT} neighbours {scores.share:.0%} are of the same kind "
        f"(by chance {scores.chance:.0%}); {scores.found:.0%} of the items find their kind there."
    )
    for line in ("", f"Look at  {page}", f"    and  {sheet}", "", *NEXT):
        tell(line)


def _sample(folder: Path, *, drawn: bool) -> tuple[Path, str]:
    from mitame.cli.telling import say
    from mitame.demo.drawn import draw_catalogue
    from mitame.demo.emoji import fetch_emoji

    if not drawn:
        pictures = folder / "emoji"
        try:
            count = fetch_emoji(pictures)
        except SourceError as error:
            say(error.line())
            say("Going on with pictures that mitame draws itself")
        else:
            say(f"{count} rendered pictures in {pictures}")
            return pictures, "Rendered emoji and what looks like them"
    pictures = folder / "catalogue"
    say(f"{len(draw_catalogue(pictures))} drawn pictures in {pictures}")
    return pictures, "A drawn catalogue and what looks alike in it"


def _queries(shop: Collection) -> list[str]:
    """A few items: the clear cases where they are there, else the first of each category."""
    clear = [f"{name}.webp" for name in SHOWN_EMOJI if f"{name}.webp" in shop]
    if clear:
        return clear
    first: dict[str | None, str] = {}
    for item in shop.items():
        first.setdefault(item.category, item.id)
    ids = list(first.values())
    step = max(1, len(ids) // SHOWN)
    return ids[::step][:SHOWN]


def _print_neighbors(query: str, answer: Answer) -> None:
    tell()
    tell(query)
    for each in answer.neighbors:
        tell(f"  {each.score:5.2f}  {each.match:7}  {each.id}")


def _row(shop: Collection, query: str, answer: Answer) -> SheetRow:
    from mitame.demo.contact_sheet import SheetAnswer, SheetRow

    asked = shop.get(query)
    assert asked is not None
    answers: Sequence[SheetAnswer] = [
        SheetAnswer(
            Path(each.image.source or "") if each.image else Path(),
            Path(each.id).stem,
            each.score,
            each.match,
        )
        for each in answer.neighbors
    ]
    return SheetRow(Path(asked.images[0].source or ""), Path(query).stem, answers)
