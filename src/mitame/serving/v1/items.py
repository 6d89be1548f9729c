"""Items one by one: added or replaced, changed, described, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from mitame.api import Collection
from mitame.collection import KEEP, Change, Lens, Patch, Put, Remove, check_id
from mitame.collection.changes import Keep
from mitame.collection.item import Attribute, check_attributes, check_category
from mitame.errors import (
    CollectionNotFound,
    FetchFailed,
    FetchRefused,
    ImageTooLarge,
    InvalidId,
    InvalidVector,
    ItemNotFound,
    KeyReused,
    MitameError,
    NotAnImage,
    PreconditionFailed,
    RequestInFlight,
    SpecMismatch,
    UnknownLens,
    UnsupportedMedia,
)
from mitame.serving.bodies import AT_ONCE, check_media, decoded
from mitame.serving.callers.roles import Role
from mitame.serving.dimensions import check_dimension
from mitame.serving.pictures.idempotency import once
from mitame.serving.pictures.item_info import info, listed, vectors_of
from mitame.serving.pictures.preconditions import conditions_of, etag, is_current
from mitame.serving.pictures.uploads import MEDIA, Upload, newest_lenses, put_of, upload_of
from mitame.serving.replies import reply
from mitame.serving.routes import JSON, Call, Route
from mitame.wire.items import Encoding, ItemChange, ItemFields, ItemInfo, NewItem

_ONE = "/v1/collections/{collection}/items/{id}"
TRIES = 3
"""How often a picture is embedded where its lens gets another embedder meanwhile."""


class ItemQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be told of an item.

    Attributes:
        with_vectors: those of all lenses, too.
        encoding: of vectors.
    """

    with_vectors: bool = False
    encoding: Encoding = "json"


async def put(call: Call, data: bytes) -> Response:
    """Add an item, or replace it whole."""
    item_id, expected = _target(call)
    collection = await call.collection()
    run = call.service.threads.run
    if len(data) <= AT_ONCE:
        upload = upload_of(call.request, data)
    else:
        upload = await run(upload_of, call.request, data)
    check_dimension(upload.widest, call.service.config.limits)
    if not upload.pictures:
        return await run(_put_bare, collection, item_id, upload, expected)
    copies = call.stores(collection).copies
    for left in reversed(range(TRIES)):
        lenses = await run(newest_lenses, collection)
        change = await put_of(call.service.embedding, lenses, item_id, upload, copies)
        try:
            return await run(_put, collection, item_id, partial(_ready_made, change), expected)
        except SpecMismatch:
            if not left:
                raise
    raise AssertionError  # the last try returns or raises


async def patch(call: Call, data: bytes) -> Response:
    """Change category or attributes."""
    item_id, expected = _target(call)
    check_media(call.request, JSON)
    change = patch_of(item_id, decoded(data, ItemChange))
    collection = await call.collection()
    return await call.service.threads.run(_patch, collection, change, expected)


async def get(call: Call) -> Response:
    """Describe an item."""
    item_id = check_id(call.params["id"])
    wanted = call.query(ItemQuery)
    return await call.service.threads.run(_get, call, await call.collection(), item_id, wanted)


async def delete(call: Call, _data: bytes) -> Response:
    """Remove an item."""
    item_id, expected = _target(call)
    collection = await call.collection()
    await call.service.threads.run(collection.store.append, [*expected, Remove(item_id)])
    return Response(status_code=204)


def patch_of(item_id: str, body: ItemChange) -> Patch:
    """The change that a body asks for.

    Raises:
        UsageError: a category or attributes that can't be.
    """
    kind: str | Keep | None = KEEP
    if body.category is not UNSET:
        kind = check_category(body.category)
    fields: dict[str, Attribute] | Keep = KEEP
    if body.attributes is not UNSET:
        fields = check_attributes(body.attributes)
    return Patch(item_id, kind, fields)


def _target(call: Call) -> tuple[str, Sequence[Change]]:
    item_id = check_id(call.params["id"])
    return item_id, conditions_of(call.request).expected(item_id)


def _put_bare(
    collection: Collection, item_id: str, upload: Upload, expected: Sequence[Change]
) -> Response:
    make = partial(upload.bare, item_id)
    known = collection.store.lenses
    try:
        return _put(collection, item_id, make, expected)
    except MitameError:
        newest_lenses(collection)
        if collection.store.lenses is known:
            raise
    return _put(collection, item_id, make, expected)  # others have changed the lenses


def _ready_made(change: Put, _lenses: Mapping[str, Lens]) -> Put:
    return change


def _put(
    collection: Collection,
    item_id: str,
    make: Callable[[Mapping[str, Lens]], Put],
    expected: Sequence[Change],
) -> Response:
    made: list[Put] = []

    def changes(lenses: Mapping[str, Lens]) -> Sequence[Change]:
        made.append(make(lenses))
        return [*expected, made[-1]]

    _, tag = collection.store.append_and_tag(changes, item_id)
    return reply(info(made[-1].item), headers=None if tag is None else {"ETag": etag(tag)})


def _patch(collection: Collection, change: Patch, expected: Sequence[Change]) -> Response:
    position = collection.store.append([*expected, change])
    return _changed(collection, change.id, position)


def _changed(collection: Collection, item_id: str, position: int) -> Response:
    """The item after a change; its tag only where nobody has changed it since.

    Otherwise the caller would take another's change for its own, and write over it.
    """
    with collection.store.pin() as view:
        tag = view.tag(item_id) if view.is_untouched(item_id, position) else None
        found = view.get(item_id)
    if found is None:
        raise ItemNotFound(f"item {item_id!r} was changed, and then removed by somebody else")
    return reply(info(found), headers=None if tag is None else {"ETag": etag(tag)})


def _get(call: Call, collection: Collection, item_id: str, wanted: ItemQuery) -> Response:
    with collection.store.pin() as view:
        tag = view.tag(item_id)
        if tag is None:
            raise ItemNotFound(f"no item {item_id!r}")
        # The tag covers the item, and not under which names its vectors are asked for.
        headers = {} if wanted.with_vectors else {"ETag": etag(tag)}
        if headers and is_current(call.request, tag):
            return Response(status_code=304, headers=headers)
        item = view.get(item_id)
        assert item is not None
        vectors = None
        if wanted.with_vectors:
            vectors = vectors_of(view, item_id, view.lenses, wanted.encoding)
        return reply(listed(call.params["collection"], item, vectors), headers=headers)


_CONDITIONS = ("If-Match", "If-None-Match", "Idempotency-Key")
_CHANGES = (CollectionNotFound, InvalidId, PreconditionFailed, KeyReused, RequestInFlight)

ROUTES: tuple[Route, ...] = (
    Route(
        "PUT",
        _ONE,
        once(put),
        Role.WRITE,
        "Add an item, or replace it whole; it is durable and searchable with the answer",
        ItemInfo,
        NewItem,
        media=MEDIA,
        form={"image": list[bytes], "item": ItemFields},
        headers=_CONDITIONS,
        errors=(
            *_CHANGES,
            NotAnImage,
            ImageTooLarge,
            InvalidVector,
            UnknownLens,
            FetchRefused,
            FetchFailed,
            SpecMismatch,
            UnsupportedMedia,
        ),
        tag="items",
    ),
    Route(
        "PATCH",
        _ONE,
        once(patch),
        Role.WRITE,
        "Change an item's category or attributes; its images and vectors stay",
        ItemInfo,
        ItemChange,
        headers=_CONDITIONS,
        errors=(*_CHANGES, ItemNotFound, UnsupportedMedia),
        tag="items",
    ),
    Route(
        "GET",
        _ONE,
        get,
        Role.READ,
        "Describe an item",
        ItemInfo,
        query=ItemQuery,
        headers=("If-None-Match",),
        others={304: None},
        errors=(CollectionNotFound, ItemNotFound, InvalidId),
        tag="items",
    ),
    Route(
        "DELETE",
        _ONE,
        once(delete),
        Role.WRITE,
        "Remove an item",
        status=204,
        headers=_CONDITIONS,
        errors=(*_CHANGES, ItemNotFound),
        tag="items",
    ),
)
