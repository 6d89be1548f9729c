"""``mitame tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.progress import BytesBar, StepBar
from mitame.cli.telling import say, tell

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.choosing.tuner import Tuning
    from mitame.choosing.wish import Wish


@click.command("tune")
@click.option("--lens", metavar="NAME", help="One lens. [default: each in turn]")
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Share of the true nearest that an answer must have.",
)
@click.option("--k", type=click.IntRange(1, 1_000), default=10, show_default=True)
@click.option("--memory", metavar="SIZE", help="At most so much beside the vectors: 2GB, 500MB.")
@click.option("--latency", metavar="TIME", help="99 of 100 answers take at most this: 1ms.")
@click.option("--engines", metavar="A,B", help="Only these. [default: all that are installed]")
@click.option(
    "--budget",
    metavar="TIME",
    help="Measure for so long: 90s, 10m. [default: 20s to 10m, by size]",
)
@click.option("--apply", is_flag=True, help="Build and serve the index at once, by a merge.")
@click.option("--forget", is_flag=True, help="Forget the choice: what is usual serves again.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collection_options
@json_option
def tune_command(
    lens: str | None,
    recall: float,
    k: int,
    memory: str | None,
    latency: str | None,
    engines: str | None,
    budget: str | None,
    apply: bool,
    forget: bool,
    quiet: bool,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Measure engines on your own vectors and choose the quickest with the recall you want.

    Items of the collection are asked for their neighbours, and the answers are compared with
    the truth. The choice is kept, and each merge builds the index anew with it; searching and
    writing go on meanwhile.
    """
    from mitame.arguments import lens_of
    from mitame.choosing.wish import Wish, parse_seconds, parse_size

    wish = Wish(
        recall,
        k,
        None if memory is None else parse_size(memory),
        None if latency is None else parse_seconds(latency),
    )
    names = None if engines is None else [name.strip() for name in engines.split(",")]
    seconds = None if budget is None else parse_seconds(budget)
    with open_existing(data, collection) as items:
        lenses = list(items.lenses) if lens is None else [lens_of(items.lenses, lens).name]
        if forget:
            found = [_forgotten(items, name) for name in lenses]
        else:
            found = [_tuned(items, name, wish, names, seconds, quiet=quiet) for name in lenses]
        generation = _merged(items, quiet=quiet) if apply else None
    if as_json:
        print_json({"collection": collection, "lenses": found, "generation": generation})
        return
    for each in found:
        _tell(each)
    if generation is not None:
        tell(f"generation {generation} is served")
    elif not apply:
        say("it serves from the next merge on: mitame merge")


def _tuned(
    items: Collection,
    lens: str,
    wish: Wish,
    engines: list[str] | None,
    seconds: float | None,
    *,
    quiet: bool,
) -> dict[str, Any]:
    from mitame.choosing.lens import tune_lens

    with StepBar(f"Measuring {lens}", " steps", quiet=quiet) as bar:
        tuning, page = tune_lens(
            items.store,
            lens,
            wish,
            engines=engines,
            budget=seconds,
            on_step=lambda done, total, _: bar(done, total),
        )
    return _facts(tuning, lens, page)


def _facts(tuning: Tuning, lens: str, page: Path) -> dict[str, Any]:
    point = tuning.point
    return {
        "lens": lens,
        "choice": tuning.choice.as_dict(),
        "recall": round(point.recall, 4),
        "queries_per_second": round(point.rate),
        "p99_ms": round(point.p99 * 1e3, 4),
        "questions": tuning.questions,
        "seconds": round(tuning.seconds, 1),
        "report": str(page),
    }


def _forgotten(items: Collection, lens: str) -> dict[str, Any]:
    items.store.choose(lens, None)
    return {"lens": lens, "choice": None}


def _merged(items: Collection, *, quiet: bool) -> int | None:
    with BytesBar("Merging", quiet=quiet) as bar:
        return items.store.merge(on_progress=bar)


def _tell(found: dict[str, Any]) -> None:
    choice = found["choice"]
    if choice is None:
        tell(f"{found['lens']}: the choice is forgotten")
        return
    tell(f"{found['lens']}: {choice['why']}")
    tell(f"  report     {found['report']}")
