"""Requests about items. The first argument is the collection's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mitame.client.answers import floats, item
from mitame.client.pictures import file_of
from mitame.client.request import (
    BINARY,
    JSON,
    FormPart,
    Reply,
    Request,
    collection_path,
    filter_json,
    given,
    json,
    nothing,
    numbers,
    once,
    place,
    reader,
)
from mitame.collection import KEEP, Item, check_id
from mitame.collection.changes import Keep
from mitame.errors import ItemExists, UnknownLens, UsageError
from mitame.filters import Filter
from mitame.picture import Picture
from mitame.wire.items import BatchResult, ItemInfo
from mitame.wire.listing import Count, Page


def add(
    collection: str,
    id: str | int,  # noqa: A002 - the word that users know
    *,
    image: Picture | None = None,
    images: Iterable[Picture] = (),
    vector: ArrayLike | None = None,
    vectors: Mapping[str, ArrayLike] | None = None,
    category: str | None = None,
    attributes: Mapping[str, object] | None = None,
    replace: bool = True,
) -> Request[Item]:
    """Add an item, or replace it whole; durable and searchable when this returns.

    Args:
        id: any string of 1 to 1,000 characters; an integer becomes its decimal digits.
        image: a path, an http(s) URL (fetched by the server), the file's bytes, a binary file
            object, or pixels as uint8[height, width, 3].
        images: several of them, when the item has more than one; no URLs.
        vector: float[dim] for the first lens, instead of an image.
        vectors: one vector per lens name, instead of an image.
        category: one word or phrase.
        attributes: names to strings, numbers, booleans, None or lists of strings.
        replace: False refuses an id that is there already.

    Raises:
        ItemExists: the id is there and `replace` is false.
        MitameError: what is wrong with it; nothing was changed.
    """
    files = [file_of(each) for each in ([] if image is None else [image])]
    files += [file_of(each) for each in images]
    if bool(files) + (vector is not None) + (vectors is not None) != 1:
        raise UsageError("an item needs either an image or a vector", remedy="give one")
    about: dict[str, Any] = {"category": category, "attributes": attributes or {}}
    body: bytes | None = None
    parts: Sequence[FormPart] = ()
    if not files or (len(files) == 1 and isinstance(files[0], str)):
        about["image_url"] = files[0] if files else None
        about["vector"] = None if vector is None else numbers(vector)
        by_lens = vectors or {}
        about["vectors"] = {name: numbers(each) for name, each in by_lens.items()} or None
        body = given(about)
    else:
        parts = (*_pictures(files), ("item", given(about), JSON))
    return Request(
        "PUT",
        _path(collection, id),
        item,
        body=body,
        parts=parts,
        headers=once() if replace else {**once(), "If-None-Match": "*"},
        refusals={} if replace else {"precondition_failed": ItemExists},
    )


def update(
    collection: str,
    id: str | int,  # noqa: A002
    *,
    category: str | Keep | None = KEEP,
    attributes: Mapping[str, object] | Keep = KEEP,
) -> Request[Item]:
    """Change an item's category or attributes; its images and vectors stay.

    Raises:
        ItemNotFound: no item has this id.
    """
    told = {"category": category, "attributes": attributes}
    body = {name: value for name, value in told.items() if not isinstance(value, Keep)}
    data = json(body)
    return Request("PATCH", _path(collection, id), item, body=data, headers=once())


def remove(collection: str, id: str | int) -> Request[None]:  # noqa: A002
    """Remove an item.

    Raises:
        ItemNotFound: no item has this id.
    """
    return Request("DELETE", _path(collection, id), nothing, headers=once())


def get(collection: str, id: str | int) -> Request[Item | None]:  # noqa: A002
    """The item, or None."""
    return Request("GET", _path(collection, id), item, refusals={"item_not_found": None})


def vectors(
    collection: str,
    id: str | int,  # noqa: A002
    lens: str | None = None,
) -> Request[NDArray[np.float32]]:
    """The item's vectors as float32[images, dim].

    Raises:
        ItemNotFound: no item has this id.
        UnknownLens: the collection has no such lens.
    """

    def read(reply: Reply) -> NDArray[np.float32]:
        found = msgspec.json.decode(reply.body, type=ItemInfo).vectors
        by_lens = {} if found is msgspec.UNSET else found
        name = next(iter(by_lens), "") if lens is None else lens
        if name not in by_lens:
            raise UnknownLens(f"no lens {name!r}", remedy=f"choose from: {', '.join(by_lens)}")
        return np.array([floats(each) for each in by_lens[name]], np.float32)

    query = {"with_vectors": True, "encoding": "base64"}
    return Request("GET", _path(collection, id), read, query=query)


def thumbnail(
    collection: str,
    id: str | int,  # noqa: A002
    *,
    image: int = 0,
    side: int = 256,
) -> Request[bytes | str]:
    """A small JPEG of an item's picture, or the picture's URL where it has one.

    Args:
        image: which of the item's images, from 0.
        side: of the square that it fits in, in pixels.

    Raises:
        PictureNotKept: only its vectors were stored, or its file has gone.
    """

    def read(reply: Reply) -> bytes | str:
        return reply.headers.get("location", "") if reply.status == 307 else reply.body

    query = {"image": image, "side": side}
    return Request("GET", f"{_path(collection, id)}/thumbnail", read, query=query)


def batch(collection: str, rows: Iterable[Mapping[str, Any]]) -> Request[BatchResult]:
    """Add, change or remove many items, with a status for each; one that is wrong fails alone.

    Args:
        rows: as ``{"id": ..., "vector": [...]}``, ``{"op": "patch", "id": ..., "category": ...}``,
            ``{"op": "delete", "id": ...}``; pictures as ``image_url`` or ``image_base64``.
    """
    data = json(list(rows))
    path = collection_path(collection, "/items:batch")
    return Request("POST", path, reader(BatchResult), body=data, headers=once())


def scroll(
    collection: str,
    where: str | Filter | None = None,
    *,
    limit: int = 1_000,
    cursor: str | None = None,
    with_vectors: bool | Sequence[str] = False,
) -> Request[Page]:
    """A page of items, by id.

    Args:
        where: a filter such as ``category=mug,price<5000``.
        limit: at most so many, 1 to 10,000.
        cursor: of the page before.
        with_vectors: True for those of all lenses, or names of lenses.
    """
    wanted = with_vectors if isinstance(with_vectors, bool) else list(with_vectors)
    body = {"filter": filter_json(where), "limit": limit, "cursor": cursor, "with_vectors": wanted}
    path = collection_path(collection, "/items:scroll")
    return Request("POST", path, reader(Page), body=given(body))


def count(collection: str, where: str | Filter | None = None) -> Request[int]:
    """How many items match the filter."""
    path = collection_path(collection, "/items:count")
    body = given({"filter": filter_json(where)})
    read = reader(Count)
    return Request("POST", path, lambda reply: read(reply).count, body=body)


def _path(collection: str, item_id: str | int) -> str:
    return collection_path(collection, f"/items/{place(check_id(item_id))}")


def _pictures(files: Sequence[bytes | str]) -> list[FormPart]:
    parts = []
    for each in files:
        if isinstance(each, str):
            raise UsageError("several pictures can't be sent as URLs", remedy="give their files")
        parts.append(("image", each, BINARY))
    return parts
