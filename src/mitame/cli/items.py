"""``mitame add``, ``mitame remove`` and ``mitame show``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mitame.cli.options import (
    collection_options,
    copies_option,
    json_option,
    open_existing,
    print_json,
    private_option,
    standard_input,
)
from mitame.cli.telling import json_line, printable, tell

if TYPE_CHECKING:
    from mitame.collection import Item


@click.command("add")
@click.argument("item_id", metavar="ID")
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...")
@click.option("--category", metavar="NAME")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Repeatable. A VALUE that is JSON is taken as such: price=1200, sold_out=true.",
)
@click.option(
    "--vector",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.npy",
    help="A vector instead of pictures.",
)
@click.option("--no-replace", is_flag=True, help="Refuse an id that is there already.")
@private_option
@copies_option
@collection_options
@json_option
def add_command(
    item_id: str,
    pictures: tuple[str, ...],
    category: str | None,
    attributes: tuple[str, ...],
    vector: Path | None,
    no_replace: bool,
    allow_private: bool,
    copies_mb: float,
    data: Path,
    collection: str,
    as_json: bool,
) -> None:
    """Add or replace one item.

    Each PICTURE is a path, an http(s) URL, or - for standard input.
    """
    described: dict[str, Any] = {
        "images": [standard_input() if each == "-" else each for each in pictures],
        "vector": None if vector is None else _read_vector(vector),
        "category": category,
        "attributes": parse_attributes(attributes),
        "replace": not no_replace,
    }
    settings = {"allow_private": allow_private, "copies_mb": copies_mb}
    _add(data, collection, settings, item_id, described)
    if as_json:
        print_json({"id": item_id, "collection": collection})
    else:
        tell(f"added {item_id}")


def _add(
    data: Path,
    collection: str,
    settings: dict[str, Any],
    item_id: str,
    described: dict[str, Any],
) -> None:
    """Into the collection; it is made only once the item is known to be good."""
    from mitame.adding import Adding
    from mitame.api import open as open_collection
    from mitame.collection.paths import COPIES, collection_path
    from mitame.config import MB
    from mitame.errors import CollectionNotFound
    from mitame.lenses import DEFAULT_LENSES, new_lenses
    from mitame.thumbnails.copying import Copying
    from mitame.thumbnails.store import ThumbnailStore

    try:
        with open_existing(data, collection, **settings) as items:
            items.add(item_id, **described)
    except CollectionNotFound:
        lenses = {lens.name: lens for lens in new_lenses(DEFAULT_LENSES)}
        most = int(settings["copies_mb"] * MB)
        copies = ThumbnailStore(collection_path(data, collection) / COPIES, most)
        copying = Copying(copies)
        adding = Adding(lenses, allow_private=settings["allow_private"], copying=copying)
        put = adding.put(item_id, **described)
        with closing(copies), open_collection(data, collection) as items:
            copying.keep()
            items.store.append([put])


@click.command("remove")
@click.argument("item_ids", nargs=-1, required=True, metavar="ID...")
@collection_options
@json_option
def remove_command(item_ids: tuple[str, ...], data: Path, collection: str, as_json: bool) -> None:
    """Remove items by id: all of them, or none where one is not there."""
    from mitame.errors import ItemNotFound

    with open_existing(data, collection) as items:
        try:
            items.remove_all(item_ids)
        except ItemNotFound as error:
            raise ItemNotFound(f"{error.message}; nothing was removed") from None
    if as_json:
        print_json({"removed": list(dict.fromkeys(item_ids)), "collection": collection})
    else:
        tell(f"removed {len(set(item_ids))}")


@click.command("show")
@click.argument("item_id", metavar="ID")
@collection_options
@json_option
def show_command(item_id: str, data: Path, collection: str, as_json: bool) -> None:
    """Show an item."""
    from mitame.errors import ItemNotFound

    with open_existing(data, collection) as items:
        item = items.get(item_id)
    if item is None:
        raise ItemNotFound(f"no item {item_id!r} in the collection {collection!r}")
    if as_json:
        print_json(item_json(item))
        return
    tell(item.id)
    tell(f"  category    {item.category or '-'}")
    for name, value in item.attributes.items():
        tell(f"  {printable(name):11} {json_line(value)}")
    for image in item.images:
        size = f"{image.width} x {image.height} {image.format}" if image.width else "bare vector"
        tell(f"  image       {size}  {image.source or ''}".rstrip())


def item_json(item: Item) -> dict[str, Any]:
    """An item as a JSON object, without vectors."""
    names = ("source", "content_hash", "size", "width", "height", "format")
    images = [{name: getattr(image, name) for name in names} for image in item.images]
    head = {"id": item.id, "category": item.category, "attributes": dict(item.attributes)}
    return {**head, "images": images}


def parse_attributes(texts: Sequence[str]) -> dict[str, object]:
    """``NAME=VALUE`` texts as attributes; a VALUE that is JSON is taken as such."""
    attributes: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{text!r}: write it like price=1200")
        try:
            attributes[name] = json.loads(value)
        except ValueError:
            attributes[name] = value
    return attributes


def _read_vector(path: Path) -> Any:
    import numpy as np

    from mitame.errors import InvalidVector

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        remedy = "save it with numpy.save as float32"
        raise InvalidVector(f"{path} is not a .npy file: {error}", remedy=remedy) from None
