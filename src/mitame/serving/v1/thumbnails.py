"""Small pictures of items, made from where the pictures lie."""

from __future__ import annotations

import io
from typing import Annotated, Any

import msgspec
from PIL import Image
from starlette.responses import RedirectResponse, Response

from mitame.api import Collection
from mitame.collection import ItemImage, check_id
from mitame.config import LimitsConfig
from mitame.errors import CollectionNotFound, InvalidId, ItemNotFound, PictureNotKept
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.kept_files import is_url, kept_picture
from mitame.serving.pictures.preconditions import etag, is_current
from mitame.serving.pictures.thumbnail_store import ThumbnailStore
from mitame.serving.routes import Call, Route

JPEG, WEBP = "image/jpeg", "image/webp"
_SETTINGS: dict[str, dict[str, Any]] = {
    JPEG: {"format": "JPEG", "quality": 85},
    # As sharp as the other, at 60 to 80 % of its bytes; method 2 costs no more time.
    WEBP: {"format": "WEBP", "quality": 82, "method": 2},
}
_CACHING = "private, max-age=300"
"""Who may see an item may keep it for a while; proxies, which serve others too, may not."""


class ThumbnailQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which thumbnail.

    Attributes:
        image: which of the item's images, from 0.
        side: of the square that it fits in, in pixels.
    """

    image: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    side: Annotated[int, msgspec.Meta(ge=16, le=1_024)] = 256


async def get(call: Call) -> Response:
    """A small picture of an item; a redirect where the picture has a URL of its own."""
    item_id, wanted = check_id(call.params["id"]), call.query(ThumbnailQuery)
    run, collection = call.service.threads.run, await call.collection()
    image = await run(_image, collection, item_id, wanted.image)
    if is_url(image.source or ""):
        return RedirectResponse(image.source or "", headers={"Cache-Control": _CACHING})
    media = WEBP if WEBP in call.request.headers.get("accept", "").lower() else JPEG
    tag = f"{(image.content_hash or '')[:32]}-{wanted.side}-{media.rpartition('/')[2]}"
    headers = {"ETag": etag(tag), "Cache-Control": _CACHING, "Vary": "Accept"}
    if image.content_hash and is_current(call.request, tag):
        return Response(status_code=304, headers=headers)
    kept = call.service.remembering.thumbnails(call.params["collection"], collection)
    data = await run(_kept_or_made, kept, image, wanted.side, media, call.service.config.limits)
    return Response(data, headers=headers, media_type=media)


def _image(collection: Collection, item_id: str, number: int) -> ItemImage:
    with collection.store.pin() as view:
        item = view.get(item_id)
    if item is None:
        raise ItemNotFound(f"no item {item_id!r}")
    if number >= len(item.images):
        raise PictureNotKept(f"item {item_id!r} has {len(item.images)} images, from 0 on")
    return item.images[number]


def _kept_or_made(
    kept: ThumbnailStore, image: ItemImage, side: int, media: str, limits: LimitsConfig
) -> bytes:
    name = f"{image.content_hash}-{side}-{media}"
    found = kept.find(name) if image.content_hash else None
    if found is None:
        found = _made(image, side, media, limits)
        kept.keep(name, found)
    return found


def _made(image: ItemImage, side: int, media: str, limits: LimitsConfig) -> bytes:
    """A small picture that fits in a square; never enlarged.

    Raises:
        PictureNotKept: the very file that was indexed is not to be had. Its path is not told.
    """
    small = Image.fromarray(kept_picture(image, side, limits).pixels)
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    small.save(file, **_SETTINGS[media])
    return file.getvalue()


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
