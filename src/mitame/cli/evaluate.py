"""``mitame evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import StepBar
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.collection import Evaluation, View
    from mitame.evaluation.categories import CategoryScores

_ALL = 1 << 40


@click.command("evaluate")
@click.option("--lens", metavar="NAME", help="One lens. [default: each in turn]")
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Ask only N items.")
@click.option(
    "--keep/--no-keep", default=True, help="Keep the result with the collection. [default: keep]"
)
@click.option("--history", is_flag=True, help="Measure nothing: list what is kept, newest last.")
@collection_options
@json_option
def evaluate_command(
    lens: str | None,
    limit: int,
    sample: int | None,
    keep: bool,
    history: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Measure how often neighbours share a category.

    Every item is asked for its neighbours, itself left out; the share of them that have the
    item's own category is printed, beside what chance would give. The result is kept with the
    collection, as is the recall of each index that a merge has made: --history lists both.
    """
    with open_existing(data, collection) as items:
        if history:
            _tell_history(items, lens, as_json=as_json)
        else:
            _measure(items, lens, limit, sample, keep=keep, as_json=as_json)


def _measure(
    items: Collection,
    lens: str | None,
    limit: int,
    sample: int | None,
    *,
    keep: bool,
    as_json: bool,
) -> None:
    from mitame.evaluation.evaluating import evaluation_of, keep_evaluations, measurable

    with items.store.pin() as view:
        names = [lens] if lens else measurable(view)
        scores = [_scores(view, name, limit, sample) for name in names]
        found = [evaluation_of(view, each) for each in scores]
    if as_json:
        print_json({"collection": items.path.name, "scores": [each.to_json() for each in scores]})
    else:
        _tell_scores(scores, limit)
    if keep:  # what was measured is told already, should the disk be full
        keep_evaluations(items.path, found)


def _scores(view: View, lens: str, limit: int, sample: int | None) -> CategoryScores:
    from mitame.evaluation.categories import category_scores

    with StepBar(f"Asking {lens}", " items") as bar:
        return category_scores(view, lens, k=limit, sample=sample, on_step=bar)


def _tell_scores(scores: list[CategoryScores], limit: int) -> None:
    tell(f"{'lens':10} {'items':>7} {f'same category @{limit}':>18} {'@1':>6} {'chance':>7}")
    for each in scores:
        tell(
            f"{each.lens:10} {each.items:7} {each.share:18.3f} {each.first:6.3f} {each.chance:7.3f}"
        )


def _tell_history(items: Collection, lens: str | None, *, as_json: bool) -> None:
    from mitame.evaluation.evaluating import to_json

    found = items.evaluations(limit=_ALL, lens=lens)[::-1]
    if as_json:
        told = [to_json(each) for each in found]
        print_json({"collection": items.path.name, "evaluations": told})
        return
    if not found:
        say("nothing is kept yet")
        return
    tell(f"{'when (UTC)':19} {'lens':10} {'generation':>10} {'asked':>7} {'k':>5}  measures")
    for each in found:
        _tell_evaluation(each)


def _tell_evaluation(found: Evaluation) -> None:
    from mitame.feedback.events import time_text

    when = time_text(found.at)[:19].replace("T", " ")
    measures = "  ".join(f"{name} {value:.3f}" for name, value in found.measures.items())
    tell(f"{when} {found.lens:10} {found.generation:10} {found.queries:7} {found.k:5}  {measures}")
