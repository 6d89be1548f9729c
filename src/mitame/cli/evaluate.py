"""``mitame evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import StepBar
from mitame.cli.telling import tell

if TYPE_CHECKING:
    from mitame.collection import View
    from mitame.evaluation.categories import CategoryScores


@click.command("evaluate")
@click.option("--lens", metavar="NAME", help="One lens. [default: each in turn]")
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Ask only N items.")
@collection_options
@json_option
def evaluate_command(
    lens: str | None, limit: int, sample: int | None, data: Path, collection: str, as_json: bool
) -> None:
    """Measure how often neighbours share a category.

    Every item is asked for its neighbours, itself left out; the share of them that have the
    item's own category is printed, beside what chance would give.
    """
    with open_existing(data, collection) as items:
        names = [lens] if lens else list(items.lenses)
        with items.store.pin() as view:
            scores = [_scores(view, name, limit, sample) for name in names]
    if as_json:
        print_json({"collection": collection, "scores": [each.to_json() for each in scores]})
        return
    tell(f"{'lens':10} {'items':>7} {f'same category @{limit}':>18} {'@1':>6} {'chance':>7}")
    for each in scores:
        tell(
            f"{each.lens:10} {each.items:7} {each.share:18.3f} {each.first:6.3f} {each.chance:7.3f}"
        )


def _scores(view: View, lens: str, limit: int, sample: int | None) -> CategoryScores:
    from mitame.evaluation.categories import category_scores

    with StepBar(f"Asking {lens}", " items") as bar:
        return category_scores(view, lens, k=limit, sample=sample, on_step=bar)
