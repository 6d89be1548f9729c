"""Why are these two alike? An item beside another, or beside a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from mitame.arguments import lens_of
from mitame.collection import Item, ItemImage, Lens, check_id
from mitame.comparing import Apart, Compared, compare
from mitame.embedders.protocol import PatchEmbedder, Patches
from mitame.errors import (
    CollectionNotFound,
    FetchFailed,
    FetchRefused,
    ImageTooLarge,
    InvalidBody,
    InvalidId,
    ItemNotFound,
    MitameError,
    NotAnImage,
    PictureNotKept,
    UnknownLens,
)
from mitame.images.decode import Decoded, decode
from mitame.images.limits import ImageLimits
from mitame.matching import Matched, matched
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.bounds import picture_limits
from mitame.serving.pictures.uploads import given
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.thumbnails.originals import shown_picture
from mitame.thumbnails.store import ThumbnailStore
from mitame.wire.comparing import (
    CompareBody,
    CompareReply,
    LensApart,
    MatchedPatches,
    PatchGrid,
)

if TYPE_CHECKING:
    from mitame.api import Collection
    from mitame.embedders.protocol import Embedder

Floats = NDArray[np.float32]
_NO_EMBEDDER = "no lens of the collection can tell parts of a picture"


@dataclass(frozen=True)
class _Other:
    """What an item is compared with.

    Attributes:
        item: another item's id; None for a picture.
        vectors: of the picture, by lens.
        data: the picture's file, where it was sent.
    """

    item: str | None = None
    vectors: Mapping[str, Floats] | None = None
    data: bytes | None = None


@dataclass(frozen=True)
class _Seeing:
    """What tells parts of a picture.

    Attributes:
        lens: its name.
        embedder: of the lens.
        side: shorter side in pixels that it needs.
        copies: of pictures that were uploaded.
    """

    lens: str
    embedder: PatchEmbedder
    side: int
    copies: ThumbnailStore


@dataclass(frozen=True)
class _Found:
    """What one moment of the collection tells.

    Attributes:
        compared: how far apart they are.
        items: that are compared, one or two.
        generation, position: of the moment.
    """

    compared: Compared
    items: Sequence[Item | None]
    generation: int
    position: int


async def compared(call: Call) -> Response:
    """Compare an item with another, or with a picture."""
    collection, body = await call.collection(), await call.body(CompareBody)
    check_id(body.id)
    wanted = lens_of(collection.lenses, body.lens)
    other = await _other(call, collection, body)
    seeing = await _seeing(call, collection, wanted) if body.patches else None
    found = await call.service.threads.run(_found, collection, body, wanted.name, other)
    patches, note = None, _NO_EMBEDDER if body.patches else None
    if seeing is not None:
        try:
            patches, note = await _patches(call, found, other, seeing), None
        except PictureNotKept as error:
            note = error.message
    return reply(_told(body, wanted.name, found, patches, note))


async def _other(call: Call, collection: Collection, body: CompareBody) -> _Other:
    told = (body.other, body.image_base64, body.image_url)
    if sum(each is not None for each in told) != 1:
        raise InvalidBody("the item is compared with one thing", remedy="give other, or a picture")
    if body.other is not None:
        return _Other(check_id(body.other))
    data = given(body.image_base64, body.image_url)
    lenses = await _embedded(call, collection.lenses)
    if not lenses:
        raise InvalidBody("no lens of the collection can see pictures", remedy="give other")
    (image,) = await call.service.embedding.images(lenses, [data])
    return _Other(None, image.vectors, data if isinstance(data, bytes) else None)


async def _embedded(call: Call, lenses: Mapping[str, Lens]) -> dict[str, Lens]:
    """Those whose embedder can be opened: vectors may come from elsewhere."""
    found = {}
    for name, lens in lenses.items():
        if await _embedder(call, lens) is not None:
            found[name] = lens
    return found


async def _embedder(call: Call, lens: Lens) -> Embedder | None:
    try:
        return await call.service.embedding.of(lens)
    except MitameError:
        return None


async def _seeing(call: Call, collection: Collection, wanted: Lens) -> _Seeing | None:
    """The lens that tells parts of a picture: the one that is asked for, else the first one."""
    lenses = collection.lenses
    copies = call.stores(collection).copies
    for name in dict.fromkeys([wanted.name, *lenses]):
        embedder = await _embedder(call, lenses[name])
        if embedder is not None and isinstance(embedder, PatchEmbedder):
            return _Seeing(name, embedder, embedder.decode_side, copies)
    return None


def _found(collection: Collection, body: CompareBody, lens: str, other: _Other) -> _Found:
    with collection.store.pin() as view:
        against = other.item if other.item is not None else other.vectors or {}
        compared = compare(view, body.id, against, lens, body.limit)
        items = [view.get(each) for each in (body.id, other.item) if each is not None]
        return _Found(compared, items, view.generation, view.position)


def _told(
    body: CompareBody, lens: str, found: _Found, patches: MatchedPatches | None, note: str | None
) -> CompareReply:
    return CompareReply(
        lenses=[_apart(each) for each in found.compared.apart],
        lens=lens,
        limit=body.limit,
        rank=found.compared.rank,
        common=list(found.compared.common),
        patches=patches,
        note=note,
        generation=found.generation,
        position=found.position,
    )


async def _patches(call: Call, found: _Found, other: _Other, seeing: _Seeing) -> MatchedPatches:
    """Both pictures part by part.

    Raises:
        PictureNotKept: one of them is not to be had.
        ImageError: the picture that was sent can't be used.
        Overloaded: too many pictures wait already.
    """
    service = call.service
    reads = _reads(picture_limits(service.config.limits), found, other, seeing)
    one, two = await service.embedding.patches(seeing.embedder, reads)
    return await service.threads.run(_matched, seeing.lens, one, two)


def _reads(
    limits: ImageLimits, found: _Found, other: _Other, seeing: _Seeing
) -> list[Callable[[], Decoded]]:
    """What gives both pictures: of items, those of their images that are nearest to each other.

    Raises:
        PictureNotKept: one of them is not to be had.
    """
    apart = found.compared.apart
    numbers = next((each.images for each in apart if each.lens == seeing.lens), (0, 0))
    reads: list[Callable[[], Decoded]] = []
    for item, number in zip(found.items, numbers, strict=False):
        if item is None or number >= len(item.images):
            raise PictureNotKept("the item has changed just now")
        reads.append(partial(_shown, item.images[number], seeing, limits))
    if other.data is not None:
        reads.append(partial(decode, other.data, limits=limits, min_side=seeing.side))
    if len(reads) < 2:
        raise PictureNotKept("a picture that was given by its address is not kept")
    return reads


def _shown(image: ItemImage, seeing: _Seeing, limits: ImageLimits) -> Decoded:
    copy = seeing.copies.find(image.content_hash) if image.content_hash else None
    return shown_picture(image, copy, seeing.side, limits)


def _matched(lens: str, one: Patches, other: Patches) -> MatchedPatches:
    return MatchedPatches(
        lens=lens,
        first=_grid(one, matched(one.features, other.features)),
        second=_grid(other, matched(other.features, one.features)),
    )


def _grid(seen: Patches, found: Matched) -> PatchGrid:
    return PatchGrid(
        box=[round(each, 5) for each in seen.box],
        similarity=found.similarity.round(4).astype(float).tolist(),
        match=found.match.tolist(),
        share=found.share.round(6).astype(float).tolist(),
    )


def _apart(each: Apart) -> LensApart:
    return LensApart(
        lens=each.lens,
        distance=each.distance,
        score=each.score,
        match=each.match,
        images=list(each.images),
    )


ROUTES = (
    Route(
        "POST",
        "/v1/collections/{collection}/compare",
        compared,
        Role.READ,
        "An item beside another, or beside a picture: how far apart, and which parts are alike",
        CompareReply,
        CompareBody,
        errors=(
            CollectionNotFound,
            ItemNotFound,
            InvalidId,
            UnknownLens,
            NotAnImage,
            ImageTooLarge,
            FetchRefused,
            FetchFailed,
        ),
        tag="queries",
    ),
)
