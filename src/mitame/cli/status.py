"""``mitame status``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import collection_options, json_option, open_existing, print_json
from mitame.cli.telling import tell

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.collection import View

LISTED = 12


@click.command("status")
@click.option("--all", "every", is_flag=True, help="List the collections of the data directory.")
@click.option("--check", is_flag=True, help="Look for damage in every file.")
@collection_options
@json_option
def status_command(every: bool, check: bool, data: Path, collection: str, as_json: bool) -> int:
    """Show what is in a collection, and whether it is whole."""
    from mitame.api import collections

    if every:
        names = collections(data)
        if as_json:
            print_json({"data": str(data), "collections": names})
        else:
            for name in names or [f"no collections in {data}"]:
                tell(name)
        return 0
    with open_existing(data, collection) as items:
        facts = _facts(items)
        problems = items.check() if check else None
    facts = {"collection": collection, "path": str(items.path), **facts}
    if problems is not None:
        facts["problems"] = problems
    if as_json:
        print_json(facts)
    else:
        _print_facts(facts)
    return 1 if problems else 0


def _facts(items: Collection) -> dict[str, Any]:
    from mitame.collection import bytes_within, index_status

    with items.store.pin() as view:
        lenses = {
            name: {
                "embedder": lens.spec.name,
                "dimension": lens.spec.dimension,
                "distance": lens.spec.distance,
                "licence": lens.spec.licence,
                "index": index_status(view, name).to_json(),
                "neighbors": _table(view, name),
            }
            for name, lens in view.lenses.items()
        }
        categories = {name or "": count for name, count in view.categories().items()}
        return {
            "items": view.count(),
            "position": view.position,
            "bytes": bytes_within(items.path),
            "lenses": lenses,
            "categories": categories,
        }


def _table(view: View, lens: str) -> dict[str, Any] | None:
    facts = view.table_facts(lens)
    return None if facts is None else facts.to_json()


def _print_table(facts: dict[str, Any] | None) -> None:
    about = "no table yet: it comes with mitame merge"
    if facts is not None and facts["k"]:
        about = f"{facts['k']} per item, exact"
        if not facts["exact"]:
            about = f"{facts['k']} per item, recall {facts['recall']:.3f}"
            about += f" ({facts['sample']} lists looked at)"
        about = facts["note"] or about
    elif facts is not None:
        about = "no table: switched off with mitame merge --neighbors 0"
    tell(f"  neighbours {about}")


def _print_index(index: dict[str, Any]) -> None:
    about = "every vector is looked at"
    if index["sample"]:
        at = "" if index["effort"] is None else f" at effort {index['effort']:.2f}"
        recall = f"recall@{index['k']} {index['recall']:.3f}{at} ({index['sample']} rows asked)"
        about = f"{recall}, {index['memory'] / 1e6:.1f} MB, built in {index['build_seconds']:.1f} s"
    tell(f"  index      {index['engine']}: {about}")
    if index["why"]:
        tell(f"             {index['why']}")
    if index["note"]:
        tell(f"             {index['note']}")
    if index["pending"]:
        engine = index["pending"]["engine"]
        tell(f"             {engine} is chosen, and serves from the next merge on: mitame merge")


def _print_facts(facts: dict[str, Any]) -> None:
    tell(f"collection   {facts['collection']}")
    tell(f"path         {facts['path']}")
    tell(f"items        {facts['items']}")
    tell(f"on disk      {facts['bytes'] / 1e6:.1f} MB")
    for name, lens in facts["lenses"].items():
        about = f"{lens['embedder']}, {lens['dimension']} floats, {lens['distance']}"
        tell(f"lens         {name}: {about}")
        _print_index(lens["index"])
        _print_table(lens["neighbors"])
    ordered = sorted(facts["categories"].items(), key=lambda pair: (-pair[1], pair[0]))
    for name, count in ordered[:LISTED]:
        tell(f"category     {name or '(none)'}: {count}")
    if len(ordered) > LISTED:
        tell(f"             ... {len(ordered)} categories in all")
    if "problems" in facts:
        problems = facts["problems"]
        tell(f"check        {'whole' if not problems else f'{len(problems)} problems'}")
        for problem in problems:
            tell(f"  {problem}")
