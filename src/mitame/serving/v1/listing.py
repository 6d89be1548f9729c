"""Items walked over, page by page, and counted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from itertools import islice

import msgspec
from starlette.responses import Response

from mitame.api import Collection
from mitame.collection import Item, View, check_id
from mitame.errors import CollectionNotFound, InvalidBody, InvalidFilter, MitameError, UnknownLens
from mitame.filters import Filter, from_json, parse
from mitame.serving.callers.roles import Role
from mitame.serving.pictures.item_info import listed, vectors_of
from mitame.serving.replies import reply
from mitame.serving.routes import Call, Route
from mitame.wire.items import ItemInfo
from mitame.wire.listing import Count, Counting, Page, Scroll

_MOST_FLOATS = 1_000_000
"""Of the vectors of a page: about 12 MB as numbers."""


async def scroll(call: Call) -> Response:
    """A page of items."""
    body = await call.body(Scroll)
    where, after = filter_of(body.filter), after_of(body.cursor)
    collection = await call.collection()
    return await call.service.threads.run(_page, call, collection, body, where, after)


async def count(call: Call) -> Response:
    """How many items pass."""
    where = filter_of((await call.body(Counting)).filter)
    return await call.service.threads.run(_counted, await call.collection(), where)


def filter_of(given: dict[str, object] | str | None) -> Filter | None:
    """The filter of a body: an object, text, or none.

    Raises:
        InvalidFilter: it can't be read.
    """
    if given is None:
        return None
    return parse(given) if isinstance(given, str) else from_json(given)


def cursor_of(item_id: str) -> str:
    """What asks for the items past this one."""
    return base64.urlsafe_b64encode(msgspec.json.encode([1, item_id])).decode().rstrip("=")


def after_of(cursor: str | None) -> str | None:
    """The id that a cursor stands for; None for the beginning.

    Raises:
        InvalidBody: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True)
        _version, item_id = msgspec.json.decode(data, type=tuple[int, str])
        return check_id(item_id)
    except (binascii.Error, ValueError, msgspec.MsgspecError, MitameError):
        raise InvalidBody(
            "the cursor can't be read", remedy="send that of the page before, or none to begin"
        ) from None


def _page(
    call: Call, collection: Collection, body: Scroll, where: Filter | None, after: str | None
) -> Response:
    name = call.params["collection"]
    with collection.store.pin() as view:
        lenses = _lenses(view, body.with_vectors)
        most = min(body.limit, _most(view, lenses))
        found = view.items(where, after=after, limit=most + 1)
        items = list(islice(_told(name, view, body, lenses, found), most))
        more = next(found, None) is not None
        cursor = cursor_of(items[-1].id) if more and items else None
        return reply(Page(items=items, cursor=cursor, position=view.position))


def _told(
    name: str, view: View, body: Scroll, lenses: list[str], found: Iterator[Item]
) -> Iterator[ItemInfo]:
    for item in found:
        vectors = vectors_of(view, item.id, lenses, body.encoding) if lenses else None
        yield listed(name, item, vectors)


def _lenses(view: View, wanted: bool | list[str]) -> list[str]:
    if isinstance(wanted, bool):
        return list(view.lenses) if wanted else []
    for name in wanted:
        if name not in view.lenses:
            raise UnknownLens(
                f"no lens {name[:80]!r}", remedy=f"choose from: {', '.join(view.lenses)}"
            )
    return list(dict.fromkeys(wanted))


def _most(view: View, lenses: list[str]) -> int:
    """Items of a page with vectors, as far as can be told before they are read."""
    floats = sum(view.lenses[name].spec.dimension for name in lenses)
    return max(1, _MOST_FLOATS // floats) if floats else 10_000


def _counted(collection: Collection, where: Filter | None) -> Response:
    with collection.store.pin() as view:
        return reply(Count(count=view.count(where), position=view.position))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/collections/{collection}/items:scroll",
        scroll,
        Role.READ,
        "List items by id, page by page",
        Page,
        Scroll,
        errors=(CollectionNotFound, InvalidFilter, UnknownLens),
        tag="items",
    ),
    Route(
        "POST",
        "/v1/collections/{collection}/items:count",
        count,
        Role.READ,
        "Count items",
        Count,
        Counting,
        errors=(CollectionNotFound, InvalidFilter),
        tag="items",
    ),
)
