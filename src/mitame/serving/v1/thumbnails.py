"""Small pictures of items, made from where the pictures lie, or from small copies of them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.responses import RedirectResponse, Response

from mitame.api import Collection
from mitame.collection import ItemImage, check_id
from mitame.errors import CollectionNotFound, ImageError, InvalidId, ItemNotFound, PictureNotKept
from mitame.images.decode import decode
from mitame.images.limits import ImageLimits
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.pictures.preconditions import etag, is_current
from mitame.serving.routes import Call, Route
from mitame.serving.stores import CollectionStores
from mitame.thumbnails.making import (
    GRID_SIDES,
    JPEG,
    WEBP,
    made_small,
    shorter_side,
    thumbnail_name,
)
from mitame.thumbnails.originals import is_url, shown_picture
from mitame.thumbnails.store import ThumbnailStore

_CACHING = "private, max-age=300"
"""Who may see an item may keep it for a while; proxies, which serve others too, may not."""
_REDIRECT_CACHING = "private, max-age=60"
"""Shorter: there may be a copy here soon."""


class ThumbnailQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which thumbnail.

    Attributes:
        image: which of the item's images, from 0.
        side: of the square that it fits in, in pixels.
    """

    image: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    side: Annotated[int, msgspec.Meta(ge=16, le=1_024)] = 256


async def get(call: Call) -> Response:
    """A small picture of an item; a redirect where it has a URL of its own and can't be had."""
    item_id, wanted = check_id(call.params["id"]), call.query(ThumbnailQuery)
    run, collection = call.service.threads.run, await call.collection()
    image = await run(_image, collection, item_id, wanted.image)
    media = WEBP if WEBP in call.request.headers.get("accept", "").lower() else JPEG
    tag = f"{(image.content_hash or '')[:32]}-{wanted.side}-{media.rpartition('/')[2]}"
    headers = {"ETag": etag(tag), "Cache-Control": _CACHING, "Vary": "Accept"}
    if image.content_hash and is_current(call.request, tag):
        return Response(status_code=304, headers=headers)
    stores = call.stores(collection)
    making = partial(
        _found, stores, image, wanted.side, media, picture_limits(call.service.config.limits)
    )
    data = await run(making)
    if data is None and await call.service.far_pictures.copied(image, stores.copies):
        data = await run(making)
    if data is None:
        return RedirectResponse(image.source or "", headers={"Cache-Control": _REDIRECT_CACHING})
    return Response(data, headers=headers, media_type=media)


def _image(collection: Collection, item_id: str, number: int) -> ItemImage:
    with collection.store.pin() as view:
        item = view.get(item_id)
    if item is None:
        raise ItemNotFound(f"no item {item_id!r}")
    if number >= len(item.images):
        raise PictureNotKept(f"item {item_id!r} has {len(item.images)} images, from 0 on")
    return item.images[number]


def _found(
    stores: CollectionStores, image: ItemImage, side: int, media: str, limits: ImageLimits
) -> bytes | None:
    """The thumbnail; None where the picture lies elsewhere and no copy is here.

    Raises:
        PictureNotKept: it can't be had. Where the picture lay is not told.
    """
    name = thumbnail_name(image, side, media)
    found = stores.thumbnails.find(name) if image.content_hash else None
    if found is None:
        pixels = _larger(stores.thumbnails, image, side)
        if pixels is None:
            copy = stores.copies.find(image.content_hash) if image.content_hash else None
            if copy is None and is_url(image.source):
                return None
            pixels = shown_picture(image, copy, shorter_side(image, side), limits).pixels
        found = made_small(pixels, side, media)
        stores.thumbnails.keep(name, found)
    return found


def _larger(made: ThumbnailStore, image: ItemImage, side: int) -> NDArray[np.uint8] | None:
    """A kept thumbnail of at least twice the size: a smaller one of it is as sharp, and soon made.

    It is uint8[height, width, 3].
    """
    for larger in GRID_SIDES if image.content_hash else ():
        kept = made.find(thumbnail_name(image, larger, WEBP)) if larger >= 2 * side else None
        if kept is not None:
            with suppress(ImageError):
                return decode(kept).pixels
    return None


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/v1/collections/{collection}/items/{id}/thumbnail",
        get,
        Role.READ,
        "A small picture of an item",
        bytes,
        query=ThumbnailQuery,
        produces=(JPEG, WEBP),
        headers=("If-None-Match",),
        others={304: None, 307: None},
        errors=(CollectionNotFound, ItemNotFound, InvalidId, PictureNotKept),
        tag="items",
    ),
)
